import { acquireLease } from '../catalog/index.ts';
import { KEY, type LeaseRecord } from '../catalog/record.ts';
import { reportOnce } from '../report-once.ts';
import { Wake } from '../wake.ts';
import type { ConnectAcme } from './account.ts';
import type { AuthoritativeOptions } from './dns/authoritative.ts';
import { Leader } from './leader.ts';
import type { Catalog, Chance, Cluster } from './ports.ts';
import { isoTime } from './ports.ts';
import type { LookAtNames } from './preflight.ts';
import { HOUR_MS } from './renewal.ts';
import type { OnStep } from './steps.ts';

/** Milliseconds. */
export interface CertificatesLimits {
  /** That edges have to take a challenge's answer up; default 30 s. */
  readonly edgesMs: number;
  /** That a zone's name servers have to show a TXT record; default 120 s. */
  readonly propagationMs: number;
  /** That the CA has for each validation, and to issue; default 120 s. */
  readonly patienceMs: number;
  /** Between two looks at the DNS of names that wait after a failure; default 60 s. */
  readonly lookMs: number;
  /** Longest sleep: the clock may be set meanwhile; default 60 s. */
  readonly longestWaitMs: number;
}

export const DEFAULT_LIMITS: CertificatesLimits = {
  edgesMs: 30_000,
  propagationMs: 120_000,
  patienceMs: 120_000,
  lookMs: 60_000,
  longestWaitMs: 60_000,
};

export interface CertificatesOptions {
  readonly cluster: Cluster;
  readonly client: Catalog;
  /** Ends it: what is under way is left for whoever leads next. */
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
  /** Time of day, and randomness for jitter (never for keys). */
  readonly chance: Chance;
  readonly connect: ConnectAcme;
  readonly look: LookAtNames;
  readonly limits: CertificatesLimits;
  /** Resolvers other than the host's. */
  readonly dns?: Pick<AuthoritativeOptions, 'resolvers' | 'nameServers'>;
  /** For tests. */
  readonly onStep?: OnStep;
}

/** How long one question for the lead waits; asked again at once. */
const LEAD_WAIT_MS = 24 * HOUR_MS;
const RETRY_MS = 5_000;

/**
 * Gets certificates and keeps them: as long as this host leads (a lock in the catalog, held by a session) it does what is due,
 * otherwise it waits. @returns once the signal is aborted; never rejects.
 */
export async function watchCertificates(options: CertificatesOptions): Promise<void> {
  const { client, signal, log, cluster, chance } = options;
  const onError = reportOnce((text) => log(`warn certs: ${text}`)).report;
  const record = (): LeaseRecord => ({
    ...{ who: 'seawall-server', from: cluster.host.name, command: 'certificates' },
    since: isoTime(chance.now()),
  });
  while (!signal.aborted) {
    try {
      const lease = await acquireLease(client, KEY.certificateLeader, record, {
        signal,
        waitMs: LEAD_WAIT_MS,
      });
      log(`info certs: ${cluster.host.name} leads`);
      await new Leader(options, AbortSignal.any([signal, lease.lost])).run();
      if (lease.lost.aborted) onError(lease.lost.reason);
      await lease.release();
    } catch (error) {
      if (signal.aborted) return;
      onError(error);
      await new Wake().wait(RETRY_MS, signal);
    }
  }
}
