import { setTimeout as sleep } from 'node:timers/promises';
import {
  type CertificateRecord,
  type CertificateState,
  type CertificateWish,
  type KeptAcknowledgement,
  parseEntry,
  updateRecord,
} from '../../catalog/index.ts';
import { KEY } from '../../catalog/record.ts';
import { HOST_PATH, OWN } from '../../cluster.ts';
import type { DesiredMount, DesiredService } from '../../compose/desired.ts';
import { SeawallError } from '../../errors.ts';
import { sha256 } from '../../hash.ts';
import { type HostLink, writeHostFiles } from '../../hosts/index.ts';
import { type KeptCertificate, SERVICE_FILES, serviceCertificateId } from '../../kept-certificate.ts';
import { LABEL } from '../../labels.ts';
import { canonicalJson } from '../../plan/index.ts';
import { reportStep } from '../../progress.ts';
import type { RolloutContext } from '../context.ts';
import { containerOwner } from './owner.ts';
import { sealWish } from './wishes.ts';

type Client = RolloutContext['client'];
type CertificateMount = Extract<DesiredMount, { readonly kind: 'certificate' }>;

/** The private CA issues in a second; whoever leads may first have to be found, and the agent to write. */
const WAIT_MS = 120_000;
const PAUSE_MS = 250;
/** The agent tries again after 2 s. */
const HOPELESS_MS = 6_000;

/**
 * Has the certificates of services lie on a host before any of their replicas starts there: wished of the CA, asked of the host's
 * agent, and waited for.
 * @throws SeawallError `timeout` that says what they wait for.
 */
export async function layCertificates(
  context: RolloutContext,
  host: HostLink,
  services: readonly string[],
): Promise<void> {
  const step = { id: `certificates-${host.name}`, title: 'certificates', host: host.name };
  await reportStep(context.report, step, async (note) => {
    for (const name of services) {
      const service = context.desired.services[name];
      const mount = certificateMount(service);
      if (service === undefined || mount === undefined) continue;
      const wish = await wishFor(context, mount.id);
      const kept = await keptFor(context, host, service, mount);
      await keepOnHost(host, kept, context.signal);
      await awaitKept({ ...context, host: host.name, wish, kept, note });
    }
  });
}

const certificateMount = (service: DesiredService | undefined): CertificateMount | undefined =>
  service?.mounts.find((mount) => mount.kind === 'certificate');

/** The wish as the catalog has it from now on; the project's others stay as they are until its routes are published. */
async function wishFor(
  { client, cluster, desired, signal }: RolloutContext,
  id: string,
): Promise<CertificateWish> {
  const certificate = desired.certificates?.find((each) => each.id === id);
  if (certificate === undefined) throw new SeawallError('bug', `there is no certificate ${id}`);
  let wish = sealWish(cluster, certificate, {}, []);
  const key = KEY.wish(desired.project);
  await updateRecord<readonly CertificateWish[]>(
    client,
    key,
    (present = []) => {
      const before = present.find((each) => each.id === id);
      wish = withNamesOf(wish, before);
      if (before !== undefined && canonicalJson(before) === canonicalJson(wish)) return present;
      return [...present.filter((each) => each.id !== id), wish].sort((a, b) => (a.id < b.id ? -1 : 1));
    },
    { signal },
  );
  return wish;
}

/**
 * A wish with the names of the one before it as well: while replicas are exchanged the edges still ask for those, and for the new
 * ones only when the routes are published. The wish that is written then has the new ones alone.
 */
export const withNamesOf = (wish: CertificateWish, before: CertificateWish | undefined): CertificateWish => ({
  ...wish,
  names: [...new Set([...wish.names, ...(before?.names ?? [])])],
});

async function keptFor(
  { images, signal }: RolloutContext,
  host: HostLink,
  { name: service, container, image: named }: DesiredService,
  { id, uid, gid, reload }: CertificateMount,
): Promise<KeptCertificate> {
  const image = images[service]?.reference ?? named;
  const isSaid = uid !== undefined && gid !== undefined;
  const owner = isSaid
    ? { uid, gid }
    : await containerOwner(host, { user: container.User, image, service }, signal);
  return {
    ...{ version: 1, id, folder: `${HOST_PATH.serviceCertificates}/${id}`, files: SERVICE_FILES },
    ...{ uid: uid ?? owner.uid, gid: gid ?? owner.gid, replaces: true },
    ...(reload === undefined ? {} : { reload: { signal: reload } }),
  };
}

/** Tells a host's agent to keep a certificate. */
export async function keepOnHost(host: HostLink, kept: KeptCertificate, signal: AbortSignal): Promise<void> {
  const { Image: image } = await host.docker.inspectContainer(OWN.agent, { signal });
  const folders = [{ path: HOST_PATH.keptCertificates, mode: 0o700 }];
  const files = [{ path: settingsPath(kept.id), content: settingsText(kept), mode: 0o600 }];
  await writeHostFiles(host.docker, { folders, files }, { image, signal });
}

/** Tells a host's agent that certificates need not be kept any more. */
export async function releaseOnHost(
  host: HostLink,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  if (ids.length === 0) return;
  const { Image: image } = await host.docker.inspectContainer(OWN.agent, { signal });
  await writeHostFiles(host.docker, { remove: ids.map(settingsPath) }, { image, signal });
}

const settingsText = (kept: KeptCertificate): string => `${canonicalJson(kept)}\n`;
const settingsPath = (id: string): string => `${HOST_PATH.keptCertificates}/${id}.json`;

interface Awaited {
  readonly client: Pick<Client, 'kvGet'>;
  readonly host: string;
  readonly wish: CertificateWish;
  readonly kept: KeptCertificate;
  readonly signal: AbortSignal;
  readonly note: (text: string) => void;
  /** What the agent cannot do ends the wait soon. */
  readonly isImpatient?: boolean;
}

/** Waits until the certificate that is wished lies on the host. @returns its record. */
export async function awaitKept({
  client,
  host,
  wish,
  kept: wanted,
  signal,
  note,
  isImpatient = false,
}: Awaited): Promise<CertificateRecord> {
  const deadline = performance.now() + WAIT_MS;
  const settings = sha256(settingsText(wanted));
  let wrongSince: number | undefined;
  const read = async <T>(key: string): Promise<T | undefined> => {
    const { value } = await client.kvGet(key, { signal });
    return value === undefined ? undefined : parseEntry<T>(value);
  };
  for (;;) {
    const [live, state, ack] = await Promise.all([
      read<CertificateRecord>(KEY.liveCertificate(wish.id)),
      read<CertificateState>(KEY.certificateState(wish.id)),
      read<KeptAcknowledgement>(KEY.keptAck(host)),
    ]);
    const kept = ack?.[wish.id];
    const isIssued = live !== undefined && wish.names.every((name) => live.names.includes(name));
    const lies = isIssued && live.keys.some(({ fingerprint }) => fingerprint === kept?.fingerprint);
    if (lies && kept?.settings === settings && kept.problem === undefined) return live;
    const waitsFor = isIssued
      ? (kept?.problem ?? 'the agent has not written it yet')
      : (state?.lastError?.text ?? 'the private CA has not issued it yet');
    wrongSince = kept?.problem === undefined ? undefined : (wrongSince ?? performance.now());
    const isHopeless =
      isImpatient && wrongSince !== undefined && performance.now() - wrongSince > HOPELESS_MS;
    if (isHopeless || performance.now() >= deadline) {
      throw new SeawallError(
        isHopeless ? 'refused' : 'timeout',
        `the certificate for ${wish.names[0]} does not lie on ${host}: ${waitsFor}`,
        {
          hint:
            (isIssued ? undefined : state?.lastError?.hint) ??
            'See: seawall cert ls; and the agents: seawall machine ls',
          where: host,
        },
      );
    }
    note(waitsFor);
    await sleep(PAUSE_MS, undefined, { signal });
  }
}

/** Takes the project's certificates off hosts that have no replica with theirs any more. */
export async function trimKept({
  client,
  links,
  desired,
  signal,
}: Pick<RolloutContext, 'client' | 'desired' | 'signal'> & {
  readonly links: Iterable<HostLink>;
}): Promise<void> {
  const { project } = desired;
  const prefix = serviceCertificateId(project, '');
  await Promise.all(
    [...links].map(async (host) => {
      const { value } = await client.kvGet(KEY.keptAck(host.name), { signal });
      const kept = value === undefined ? {} : parseEntry<KeptAcknowledgement>(value);
      const own = Object.keys(kept).filter((id) => id.startsWith(prefix));
      if (own.length === 0) return;
      const labels = [`${LABEL.project}=${project}`];
      const containers = await host.docker.listContainers({ all: true, labels, signal });
      const used = new Set(containers.map(({ Labels }) => Labels[LABEL.certificate]));
      await releaseOnHost(
        host,
        own.filter((id) => !used.has(id)),
        signal,
      );
    }),
  );
}
