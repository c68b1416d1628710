import type { CatalogClient } from '../../catalog/index.ts';
import { type HostRecord, META } from '../../catalog/record.ts';
import type { ClusterFile } from '../../cluster.ts';
import type { Desired } from '../../compose/desired.ts';
import type { Config } from '../../config/index.ts';
import { SeawallError } from '../../errors.ts';
import type { HostFailure, HostLink } from '../../hosts/index.ts';
import type { Report } from '../../progress.ts';
import { lastGood, openRelease, readReleases } from '../release.ts';
import type { Session } from '../session.ts';

/** What moving projects off a host goes by. */
export interface MoveParts {
  readonly host: string;
  /** The project of the seawall.yml at hand. */
  readonly desired: Desired;
  readonly config: Config;
  readonly links: readonly HostLink[];
  readonly failures: readonly HostFailure[];
  readonly cluster: ClusterFile;
  readonly client: CatalogClient;
  readonly hosts: readonly HostRecord[];
  readonly report: Report;
  readonly signal: AbortSignal;
  readonly command: string;
}

/**
 * A session for each project, with the hosts where its replicas may go: the project at hand goes where its seawall.yml
 * says; of others that is not known here, so they stay on hosts that they use already.
 */
export async function moversOf(parts: MoveParts, projects: readonly string[]): Promise<readonly Session[]> {
  return Promise.all(
    projects.map((project) =>
      project === parts.desired.project
        ? sessionOf(
            parts,
            parts.desired,
            parts.config.hosts.map(({ name }) => name),
          )
        : otherSession(parts, project),
    ),
  );
}

async function otherSession(parts: MoveParts, project: string): Promise<Session> {
  const { client, cluster, hosts, links, host, signal } = parts;
  const used = await Promise.all(
    hosts.map(async ({ name }) => {
      const { value } = await client.nodeServices(name, { signal });
      return value.some(({ meta }) => meta[META.project] === project) ? [name] : [];
    }),
  );
  const names = [...new Set([host, ...used.flat()])];
  const lost = names.find((name) => !links.some((link) => link.name === name));
  if (lost !== undefined) {
    throw new SeawallError(
      'refused',
      `${project} also runs on ${lost}, which is not in this seawall.yml or does not answer`,
      {
        where: host,
        hint: `Run this in the folder of ${project}, which moves it; then here again.`,
      },
    );
  }
  const good = lastGood(await readReleases(client, project, signal));
  if (good === undefined) {
    throw new SeawallError('refused', `${project} runs on it, and no release of it is known`, {
      where: host,
      hint: `In the folder of ${project}: seawall deploy, or seawall down`,
    });
  }
  // Its files are in another folder: what it mounts cannot be sent from here.
  return sessionOf(parts, { ...openRelease(cluster, good), contents: {} }, names);
}

function sessionOf(parts: MoveParts, desired: Desired, names: readonly string[]): Session {
  const isIts = ({ name }: { readonly name: string }) => names.includes(name);
  const { config, links, failures, cluster, client, hosts, report, signal, command } = parts;
  return {
    desired,
    config: { ...config, hosts: config.hosts.filter(isIts) },
    links: links.filter(isIts),
    failures: failures.filter(isIts),
    ...{ cluster, client, hosts, report, signal, command },
    close: async () => {},
  };
}
