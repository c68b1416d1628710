import { type CatalogClient, parseEntry, parseSnapshotFile } from '../../catalog/index.ts';
import { KEY, type LeaseRecord } from '../../catalog/record.ts';
import {
  type CatalogPlace,
  type ClusterFile,
  catalogFolder,
  epochOf,
  HOST_PATH,
  isNewerPlace,
  newestFile,
  OWN,
} from '../../cluster.ts';
import type { Config } from '../../config/index.ts';
import { SeawallError } from '../../errors.ts';
import { sha256 } from '../../hash.ts';
import { connectHosts, type HostFailure, readHostFile, writeHostFiles } from '../../hosts/index.ts';
import { type Report, reportStep } from '../../progress.ts';
import { openCatalog } from '../session.ts';
import { waitForCatalog } from '../setup/await-parts.ts';
import { waitFor } from '../setup/deadline.ts';
import { type PromotionView, promotionView } from './promotion-view.ts';
import { type Rebuilt, rebuildContent } from './rebuild.ts';
import { type HostSurvey, placeOf, surveyHosts } from './survey.ts';

export interface PromotionResult extends PromotionView {
  /** Hosts that know the new place. */
  readonly told: readonly string[];
}

export interface PromoteOptions {
  readonly config: Pick<Config, 'hosts' | 'sshConfig'>;
  readonly host: string;
  /** Whether to put up with another source than the present catalog though it answers, or with none: it lost its data. */
  readonly from?: 'snapshot' | 'rebuild' | undefined;
  readonly confirm: (view: PromotionView) => Promise<boolean>;
  readonly report: Report;
  readonly signal: AbortSignal;
}

/** A host that carries the cluster's file and can be written to. */
type Member = HostSurvey & { readonly file: ClusterFile; readonly image: string };

interface Promotion {
  readonly options: PromoteOptions;
  readonly view: PromotionView;
  readonly members: readonly Member[];
  readonly target: Member;
  readonly place: CatalogPlace;
  /** Of the present catalog, when it answers. */
  readonly client: CatalogClient | undefined;
  readonly rebuilt: Rebuilt | undefined;
}

const LEADER_TIMEOUT_MS = 5_000;
const FOLLOW_TIMEOUT_MS = 30_000;

/**
 * Makes a host the catalog: from the present one when it answers, else from the freshest good snapshot of the hosts that
 * do. Safe to repeat, also after it was cut short.
 * @throws SeawallError `refused` without a snapshot, `locked` while somebody deploys.
 */
export async function promoteHost(options: PromoteOptions): Promise<PromotionResult> {
  const { config, signal } = options;
  const { links, failures } = await connectHosts(config.hosts, { sshConfig: config.sshConfig, signal });
  let client: CatalogClient | undefined;
  try {
    const surveys = await surveyHosts(links, signal);
    const members = surveys.filter(isMember);
    const present = newestFile(members.map(({ file }) => file));
    const target = members.find(({ link }) => link.name === options.host);
    if (present === undefined || target === undefined) throw notMember(options.host, failures);
    refuseStrangers(members);
    client = await liveCatalog(present, members, signal);
    if (client !== undefined) await refuseWhileDeploying(client, signal);
    const rebuilt = options.from === 'rebuild' ? await rebuildContent(members, signal) : undefined;
    const view = promotionView({
      options,
      present,
      members,
      failures,
      isLive: client !== undefined,
      rebuilt,
    });
    if (!(await options.confirm(view))) throw new SeawallError('interrupted', 'nothing was changed');
    const address = target.file.host.privateAddress;
    const place = { ...present.catalog, host: view.to, address, epoch: view.epoch };
    return await carryOut({ options, view, members, target, place, client, rebuilt });
  } finally {
    client?.close();
    for (const link of links) link.close();
  }
}

const isMember = (survey: HostSurvey): survey is Member =>
  survey.file !== undefined && survey.image !== undefined;

function notMember(host: string, failures: readonly HostFailure[]): SeawallError {
  const failure = failures.find(({ name }) => name === host);
  if (failure !== undefined) return failure.error;
  return new SeawallError('refused', `${host} is in no cluster`, {
    where: host,
    hint: 'Only a host that was set up before can become the catalog; see: seawall catalog status',
  });
}

function refuseStrangers(members: readonly Member[]): void {
  const [first] = members;
  const stranger = members.find(({ file }) => file.id !== first?.file.id);
  if (stranger === undefined) return;
  throw new SeawallError(
    'refused',
    `hosts ${first?.link.name} and ${stranger.link.name} belong to different clusters`,
    { hint: 'Name hosts of one cluster in seawall.yml.' },
  );
}

async function liveCatalog(
  present: ClusterFile,
  members: readonly Member[],
  signal: AbortSignal,
): Promise<CatalogClient | undefined> {
  const { host } = present.catalog;
  if (!members.some(({ link }) => link.name === host)) return undefined;
  const client = await openCatalog(
    present,
    members.map(({ link }) => link),
  );
  try {
    await client.leader({ signal, timeoutMs: LEADER_TIMEOUT_MS });
    return client;
  } catch (error) {
    client.close();
    if (error instanceof SeawallError && error.code === 'unreachable') return undefined;
    throw error;
  }
}

async function refuseWhileDeploying(client: CatalogClient, signal: AbortSignal): Promise<void> {
  const { value } = await client.kvList(KEY.lease(''), { signal });
  const held = value.find(({ session }) => session !== undefined);
  if (held === undefined) return;
  const { who, from, since, command } = parseEntry<LeaseRecord>(held);
  throw new SeawallError('locked', `${who} on ${from} changes the cluster since ${since}: ${command}`, {
    hint: 'Wait until that is done; it may be writing to the catalog.',
  });
}

async function carryOut(promotion: Promotion): Promise<PromotionResult> {
  const { options, view, members, target, place } = promotion;
  const { report, signal } = options;
  if (view.source !== 'in-place') {
    const step = { id: 'promote', title: `catalog of epoch ${view.epoch}`, host: view.to };
    await reportStep(report, step, async (note) => {
      const content = await contentFor(promotion);
      await seed(target, place, content, signal);
      note('data written');
      const client = await openCatalog({ ...target.file, catalog: place }, [target.link]);
      try {
        await waitForCatalog({ client, report, signal }, view.to);
      } finally {
        client.close();
      }
    });
  }
  const others = members.filter(({ file }) => isNewerPlace(place, file.catalog) && file !== target.file);
  await Promise.all(others.map((member) => writePlace(member, place, signal)));
  const told = await Promise.all(members.map((member) => waitUntilTold(member, place, signal)));
  if (promotion.rebuilt !== undefined) await declareWhole(promotion, promotion.rebuilt);
  return { ...view, told: told.sort() };
}

/** The catalog's content as its own snapshot file holds it. */
async function contentFor({ client, view, members, options, rebuilt }: Promotion): Promise<string> {
  const { signal } = options;
  // Also when something else is taken: nobody may write to it any more.
  const present = await client?.stepDown({ signal });
  if (view.source === 'catalog' && present !== undefined) return present;
  if (rebuilt !== undefined) return rebuilt.content;
  const { host, snapshot } = view.snapshot ?? {};
  const member = members.find(({ link }) => link.name === host);
  if (member === undefined || snapshot === undefined)
    throw new SeawallError('bug', 'the snapshot is nowhere');
  const path = `${HOST_PATH.catalogSnapshots}/${snapshot.name}`;
  const text = await readHostFile(member.link.docker, path, { image: member.image, signal });
  if (text === undefined) {
    throw new SeawallError('refused', `the snapshot ${snapshot.name} of ${host} is gone meanwhile`, {
      hint: 'Run the command again: it takes the newest one that is there then.',
    });
  }
  return parseSnapshotFile(text, `${host}:${path}`, sha256).content;
}

/**
 * The edges hold on to what they serve while the catalog does not know its own cluster: it is told once the registrars
 * have put back what runs.
 */
async function declareWhole(
  { options, members, target, place }: Promotion,
  { lastNumber }: Rebuilt,
): Promise<void> {
  const { signal } = options;
  const client = await openCatalog({ ...target.file, catalog: place }, [target.link]);
  try {
    for (const { link, running } of members) {
      const what = 'the agent did not register what runs';
      const hint = `Look there: docker logs ${OWN.agent}`;
      const deadline = { what, where: link.name, hint, timeoutMs: FOLLOW_TIMEOUT_MS, signal };
      await waitFor(deadline, async () => {
        const isAlive = (await client.kvGet(KEY.alive(link.name), { signal })).value !== undefined;
        const { value } = await client.nodeServices(link.name, { signal });
        return isAlive && (value.length > 0 || Object.keys(running).length === 0) ? true : undefined;
      });
    }
    const note = { id: target.file.id, lastNumber };
    await client.kvPut(KEY.cluster, JSON.stringify(note), { signal });
  } finally {
    client.close();
  }
}

/**
 * The data first, then the word that turns the host's server to it, in one go: the present catalog waits. What an attempt that was
 * cut short left is replaced; a server that had opened it would have made the next epoch another one.
 */
async function seed(target: Member, place: CatalogPlace, content: string, signal: AbortSignal) {
  const { link, image } = target;
  const folder = catalogFolder(epochOf(place));
  const files = [{ path: `${folder}/snapshot`, content, mode: 0o600 }, clusterFileOf(target, place)];
  await writeHostFiles(link.docker, { folders: [{ path: folder, mode: 0o700 }], files }, { image, signal });
}

const clusterFileOf = ({ file }: Member, catalog: CatalogPlace) => ({
  path: HOST_PATH.clusterFile,
  content: `${JSON.stringify({ ...file, catalog }, undefined, 2)}\n`,
  mode: 0o600,
});

async function writePlace(member: Member, place: CatalogPlace, signal: AbortSignal) {
  const { link, image } = member;
  await writeHostFiles(link.docker, { files: [clusterFileOf(member, place)] }, { image, signal });
}

async function waitUntilTold({ link }: Member, place: CatalogPlace, signal: AbortSignal): Promise<string> {
  const what = `the server did not turn to ${place.host}`;
  const hint = `Look there: docker logs ${OWN.server}`;
  const deadline = { what, where: link.name, hint, timeoutMs: FOLLOW_TIMEOUT_MS, signal };
  await waitFor(deadline, async () => {
    const answer = await placeOf(link, place, signal);
    return answer?.epoch === epochOf(place) && answer.host === place.host ? true : undefined;
  });
  return link.name;
}
