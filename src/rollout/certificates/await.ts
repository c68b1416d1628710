import { setTimeout as sleep } from 'node:timers/promises';
import type { CatalogClient } from '../../catalog/index.ts';
import type { Desired } from '../../compose/desired.ts';
import { SeawallError } from '../../errors.ts';
import { reportStep } from '../../progress.ts';
import { clusterOf, type Session } from '../session.ts';
import { readCertificates } from './read.ts';
import type { CertificateStatus } from './status.ts';

/** A domain of the project with the certificate that it is served with. */
export interface DomainCertificate {
  readonly domain: string;
  readonly certificate: CertificateStatus;
}

/** How long a deploy waits for certificates; an order takes 5 to 20 s when all is well. */
const WAIT_MS = 60_000;
/** For a single order that somebody asked for; by DNS it takes minutes. */
const SINGLE_WAIT_MS = 300_000;
/** Between two looks. */
const PAUSE_MS = 500;
/** For a last look after Ctrl-C: the deploy itself is done. */
const LAST_LOOK_MS = 3_000;

/**
 * Waits, a minute at the most, until every domain of the project is served with the certificate that it is to have, or it
 * is known why not. That a certificate is not there yet is no failure of a deploy: the private CA serves meanwhile.
 */
export async function awaitCertificates(session: Session): Promise<readonly DomainCertificate[]> {
  const { client } = clusterOf(session);
  const { desired, report } = session;
  if (!desired.routes.some(({ tls }) => tls !== 'off')) return [];
  const look = async (signal: AbortSignal) => domainsOf(desired, await readCertificates(client, signal));
  const step = { id: 'certificates', title: 'certificates' };
  return reportStep(report, step, async (note) => {
    const deadline = performance.now() + WAIT_MS;
    while (!session.signal.aborted) {
      const found = await look(session.signal).catch((error: unknown) => {
        if (session.signal.aborted) return undefined;
        throw error;
      });
      if (found === undefined) break;
      const open = found.filter(({ certificate }) => !isSettled(certificate));
      if (open.length === 0 || performance.now() >= deadline) return found;
      note(`waiting for ${open.map(waitingFor).join(', ')}`);
      await sleep(PAUSE_MS, undefined, { signal: session.signal }).catch(() => undefined);
    }
    return look(AbortSignal.timeout(LAST_LOOK_MS));
  });
}

/**
 * Waits until one certificate is served as wanted, or failed.
 * @throws SeawallError `timeout` when nobody takes it up.
 */
export async function awaitCertificate(
  client: Pick<CatalogClient, 'kvGet' | 'kvList'>,
  id: string,
  { signal, note }: { readonly signal: AbortSignal; readonly note: (text: string) => void },
): Promise<CertificateStatus> {
  const deadline = performance.now() + SINGLE_WAIT_MS;
  for (;;) {
    const found = (await readCertificates(client, signal)).find((each) => each.id === id);
    if (found !== undefined && isSettled(found)) return found;
    if (performance.now() >= deadline) {
      throw new SeawallError('timeout', `it is not there after ${SINGLE_WAIT_MS / 60_000} minutes`, {
        where: id,
        hint: 'It is tried on. See: seawall cert ls; and the agents of the edges: seawall machine ls',
      });
    }
    note(found === undefined ? 'waiting' : waitingOn(found));
    await sleep(PAUSE_MS, undefined, { signal });
  }
}

/** Served everywhere as wanted, or tried and failed while something else is served. */
const isSettled = ({ health, kind, missingOn }: CertificateStatus): boolean =>
  kind !== 'none' && missingOn.length === 0 && health !== 'pending';

const waitingFor = ({ domain, certificate }: DomainCertificate): string =>
  `${domain} ${waitingOn(certificate)}`;

function waitingOn({ kind, wanted, missingOn }: CertificateStatus): string {
  if (kind === 'none' || kind === 'interim') return `from ${wanted}`;
  return `on ${missingOn.map(({ edge }) => edge).join(', ')}`;
}

/** The project's HTTPS domains, sorted, each once. */
function domainsOf(
  { routes }: Pick<Desired, 'routes'>,
  statuses: readonly CertificateStatus[],
): readonly DomainCertificate[] {
  const byDomain = new Map<string, CertificateStatus>();
  for (const { domain, tls } of routes) {
    const found = tls === 'off' ? undefined : statuses.find(({ id }) => id === tls.certificate);
    if (found !== undefined) byDomain.set(domain, found);
  }
  return [...byDomain].map(([domain, certificate]) => ({ domain, certificate }));
}
