import { type CatalogPlace, type ClusterFile, epochOf, newestFile } from '../../cluster.ts';
import type { Config } from '../../config/index.ts';
import { SeawallError } from '../../errors.ts';
import { connectHosts } from '../../hosts/index.ts';
import { type FoundSnapshot, freshestSnapshot } from './choose.ts';
import { type HostSurvey, surveyHosts } from './survey.ts';

/** What one host says of the catalog and keeps of it. */
export interface HostStatus {
  readonly host: string;
  /** Epoch that its server goes by; absent: the server does not answer. */
  readonly epoch?: number;
  /** Age of the newest good snapshot. */
  readonly snapshotAgeMs?: number;
  readonly snapshotIndex?: number;
  readonly snapshotBytes?: number;
  /** How many snapshots are good, and how many are not. */
  readonly good: number;
  readonly damaged: number;
  /** Why nothing or not everything is known. */
  readonly problem?: string;
}

export interface CatalogStatus {
  readonly host: string;
  readonly epoch: number;
  /** Whether the catalog answers. */
  readonly answers: boolean;
  /** Seawall's version of its server. */
  readonly version?: string;
  readonly index?: number;
  /** What keeps it from writing. */
  readonly problem?: string;
  readonly hosts: readonly HostStatus[];
  /** What a promotion would start from, did the catalog not answer. */
  readonly freshest?: FoundSnapshot;
}

/** Timeout of a look that goes on without the hosts that do not answer, in seconds. */
const CONNECT_TIMEOUT_S = 5;

/** Where the catalog is, how it does, and what the hosts keep of it. Changes nothing. */
export async function readCatalogStatus(
  config: Pick<Config, 'hosts' | 'sshConfig'>,
  signal: AbortSignal,
): Promise<CatalogStatus> {
  const { links, failures } = await connectHosts(config.hosts, {
    sshConfig: config.sshConfig,
    signal,
    connectTimeoutS: CONNECT_TIMEOUT_S,
  });
  try {
    const [first] = failures;
    if (links.length === 0 && first !== undefined) throw first.error;
    const surveys = await surveyHosts(links, signal);
    const file = newestFile(surveys.flatMap((survey): ClusterFile[] => (survey.file ? [survey.file] : [])));
    if (file === undefined) {
      throw new SeawallError('refused', 'the hosts are not set up yet', {
        hint: 'Run: seawall machine setup (or seawall deploy)',
      });
    }
    const lost = failures.map(
      ({ name, error }): HostStatus => ({ host: name, good: 0, damaged: 0, problem: error.message }),
    );
    const freshest = freshestSnapshot(surveys);
    return {
      ...aboutCatalog(file.catalog, surveys),
      hosts: [...surveys.map(hostStatus), ...lost],
      ...(freshest === undefined ? {} : { freshest }),
    };
  } finally {
    for (const link of links) link.close();
  }
}

function aboutCatalog(
  place: CatalogPlace,
  surveys: readonly HostSurvey[],
): Omit<CatalogStatus, 'hosts' | 'freshest'> {
  const answer = surveys.find(({ link }) => link.name === place.host)?.place;
  const epoch = epochOf(place);
  // Its server may answer and still not serve: then it has no index.
  const answers = answer?.epoch === epoch && answer.index !== undefined;
  const { version, index, problem } = answer ?? {};
  return {
    host: place.host,
    epoch,
    answers,
    ...(version === undefined ? {} : { version }),
    ...(index === undefined ? {} : { index }),
    ...(problem === undefined ? {} : { problem }),
  };
}

function hostStatus({ link, file, place, snapshots, problem }: HostSurvey): HostStatus {
  const good = snapshots.filter((each) => each.good);
  const [newest] = good;
  const why =
    file === undefined ? 'not set up' : place === undefined ? 'its server does not answer' : problem;
  return {
    host: link.name,
    good: good.length,
    damaged: snapshots.length - good.length,
    ...(place === undefined ? {} : { epoch: place.epoch }),
    ...(newest === undefined
      ? {}
      : { snapshotAgeMs: newest.ageMs, snapshotIndex: newest.index, snapshotBytes: newest.bytes }),
    ...(why === undefined ? {} : { problem: why }),
  };
}
