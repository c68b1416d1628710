import { type CatalogClient, parseEntry } from '../../catalog/index.ts';
import { KEY } from '../../catalog/record.ts';
import { type ClusterFile, HOST_PATH, linkPort, OWN } from '../../cluster.ts';
import type { HostLink } from '../../hosts/index.ts';
import { type Report, reportStep } from '../../progress.ts';
import { waitFor } from './deadline.ts';

interface Waiting {
  readonly client: CatalogClient;
  readonly report: Report;
  readonly signal: AbortSignal;
}

/** What the agent writes into its sign of life. */
interface AliveNote {
  /** Other hosts → `ok`, `small only`, `no answer`: the last probe of the link. */
  readonly link?: Readonly<Record<string, string>>;
}

const startTimeoutMs = 60_000;

export async function waitForCatalog({ client, signal }: Waiting, host: string): Promise<void> {
  const what = 'the catalog did not answer';
  const hint = `Look there: docker logs ${OWN.server}`;
  await waitFor({ what, timeoutMs: startTimeoutMs, where: host, hint, signal }, () =>
    client.leader({ signal }),
  );
}

/** Every agent shows that it lives, and with several hosts that its link carries small and full packets to all others. */
export async function waitForAgents(
  waiting: Waiting,
  cluster: ClusterFile,
  hosts: readonly string[],
): Promise<void> {
  await Promise.all(hosts.map((host) => waitForAgent(waiting, cluster, host, hosts)));
}

async function waitForAgent(
  { client, report, signal }: Waiting,
  cluster: ClusterFile,
  host: string,
  hosts: readonly string[],
): Promise<void> {
  const others = cluster.link === 'none' ? [] : hosts.filter((name) => name !== host);
  let said = 'the agent did not show up';
  const ask = async () => {
    const { value } = await client.kvGet(KEY.alive(host), { signal });
    if (value === undefined) return undefined;
    const { link = {} } = parseEntry<AliveNote>(value);
    const bad = others.filter((name) => link[name] !== 'ok');
    said = `the link does not work: ${bad.map((name) => `to ${name} ${link[name] ?? 'not probed'}`).join(', ')}`;
    return bad.length === 0 ? true : undefined;
  };
  if (await ask()) return;
  const hint = `Look there: docker logs ${OWN.agent}. Between hosts udp ${linkPort(cluster)} must be open.`;
  await reportStep(report, { id: `setup ${host} agent`, title: 'agent and link', host }, async () => {
    // The message is read when the wait has ended: it tells how far it got.
    const deadline = {
      get what() {
        return said;
      },
      timeoutMs: startTimeoutMs,
      where: host,
      hint,
      signal,
    };
    await waitFor(deadline, ask);
  });
}

/** The edge loop has written its first configuration; nginx could not start without one. */
export async function waitForGeneration(link: HostLink, signal: AbortSignal): Promise<void> {
  const what = 'the edge loop wrote no configuration';
  const hint = `Look there: docker logs ${OWN.agent}`;
  await waitFor({ what, timeoutMs: startTimeoutMs, where: link.name, hint, signal }, async () => {
    const file = `${HOST_PATH.edge}/current/nginx.conf`;
    const { exitCode } = await link.docker.exec(OWN.agent, ['test', '-e', file], { signal });
    return exitCode === 0 ? true : undefined;
  });
}

/** The new edge serves a configuration and says so. */
export async function waitForEdge({ client, report, signal }: Waiting, host: string): Promise<void> {
  const what = 'the edge did not acknowledge its configuration';
  const hint = `Look there: docker logs ${OWN.edge}; docker logs ${OWN.agent}`;
  await reportStep(report, { id: `setup ${host} edge`, title: 'edge', host }, async () => {
    await waitFor({ what, timeoutMs: startTimeoutMs, where: host, hint, signal }, async () =>
      (await client.kvGet(KEY.edgeAck(host), { signal })).value === undefined ? undefined : true,
    );
  });
}
