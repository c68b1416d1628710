import type { CertificateRecord, CertificateWish } from '../../catalog/index.ts';
import { SeawallError } from '../../errors.ts';
import type { HostLink } from '../../hosts/index.ts';
import { hostOfCertificate, type KeptCertificate } from '../../kept-certificate.ts';
import { reportStep } from '../../progress.ts';
import { clusterOf, type Session } from '../session.ts';
import { awaitKept, keepOnHost, releaseOnHost } from './keep.ts';
import { addManual, removeManual } from './manual.ts';

/** A certificate to keep on a host, and where. */
export interface HostOrder {
  readonly host: string;
  readonly wish: CertificateWish;
  readonly kept: KeptCertificate;
  /** The host keeps no such certificate yet. */
  readonly isNew: boolean;
}

/**
 * Has a host keep a certificate of the private CA in a folder from now on, and waits until it lies there. When that cannot be,
 * nothing stays of one that is new.
 * @throws SeawallError `unreachable`, or `timeout` with what is in the way.
 */
export async function issueOnHost(
  session: Session,
  { host, wish, kept, isNew }: HostOrder,
): Promise<CertificateRecord> {
  const { client } = clusterOf(session);
  const { signal, report } = session;
  const link = linkTo(session, host);
  const step = { id: `certificate-${host}`, title: `certificate for ${wish.names[0]}`, host };
  return reportStep(report, step, async (note) => {
    try {
      await addManual(client, wish, signal);
      await keepOnHost(link, kept, signal);
      return await awaitKept({ client, host, wish, kept, signal, note, isImpatient: true });
    } catch (error) {
      if (!isNew) throw error;
      const late = AbortSignal.timeout(UNDO_TIMEOUT_MS);
      await removeManual(client, wish.id, late).catch(() => undefined);
      await releaseOnHost(link, [wish.id], late).catch(() => undefined);
      throw error;
    }
  });
}

const UNDO_TIMEOUT_MS = 15_000;

function linkTo({ links, failures }: Session, host: string): HostLink {
  const link = links.find(({ name }) => name === host);
  if (link !== undefined) return link;
  const failure = failures.find(({ name }) => name === host);
  throw failure?.error ?? new SeawallError('bug', `there is no connection to ${host}`);
}

/**
 * Ends the keeping of certificates on hosts: nobody renews them any more. Their files stay where they are, for whoever serves with
 * them to be given others.
 * @param ids of certificates; others than {@link hostOfCertificate} knows are left alone.
 * @returns hosts that do not answer: they are told nothing, and get nothing new all the same.
 */
export async function endOnHosts(session: Session, ids: readonly string[]): Promise<readonly string[]> {
  const { client } = clusterOf(session);
  const { signal, links } = session;
  const absent: string[] = [];
  for (const id of ids) {
    const host = hostOfCertificate(id);
    if (host === undefined) continue;
    await removeManual(client, id, signal);
    const link = links.find(({ name }) => name === host);
    if (link === undefined) absent.push(host);
    else await releaseOnHost(link, [id], signal);
  }
  return absent;
}
