import { execFile } from 'node:child_process';
import { type ProbeResult, probeTcp } from '../hosts/index.ts';
import type { ProbeHistory } from './admission.ts';
import type { Candidate, Candidates } from './candidates.ts';

/** Probes without any answer after which the host itself is looked at. */
const silentProbes = 2;
/** The server process answers names there; a host that lives without it refuses, which is an answer too. */
const namesPort = 53;
const hostTimeoutMs = 1_000;
const cutTimeoutMs = 5_000;

export interface SilentHostsOptions {
  readonly log: (line: string) => void;
  /** For tests: whether anything at all answers at a host's private address. */
  readonly lookAt?: (hostAddress: string) => Promise<Pick<ProbeResult, 'ok' | 'isSilent'>>;
  readonly cut?: (address: string) => Promise<void>;
}

/**
 * Candidates out of force to which nothing answers, while others of their upstream serve: what was sent to them hangs
 * until nginx's read timeout, unless somebody tells nginx that no answer will come.
 */
export function silentCandidates(
  candidates: Candidates,
  histories: ReadonlyMap<string, ProbeHistory>,
  inForce: ReadonlyMap<string, readonly string[]>,
): readonly Candidate[] {
  return [...candidates].flatMap(([name, list]) => {
    const serving = (inForce.get(name) ?? []).filter((address) => (histories.get(address)?.bad ?? 0) === 0);
    if (serving.length === 0) return [];
    return list.filter(
      ({ address }) => !serving.includes(address) && (histories.get(address)?.silent ?? 0) >= silentProbes,
    );
  });
}

/**
 * Ends the connections to replicas on hosts that lost their power or their network, so that nginx sends what
 * it may send again to another replica. A replica that is only too busy to accept keeps its requests: its host answers.
 */
export class SilentHosts {
  readonly #options: SilentHostsOptions;
  /** Addresses whose connections were ended since they fell silent. */
  readonly #cut = new Set<string>();

  constructor(options: SilentHostsOptions) {
    this.#options = options;
  }

  /** Looks at the hosts of silent candidates and ends the connections to those that are gone; never rejects. */
  async see(silent: readonly Candidate[]): Promise<void> {
    const addresses = new Set(silent.map(({ address }) => address));
    for (const address of this.#cut) if (!addresses.has(address)) this.#cut.delete(address);
    const fresh = silent.filter(({ address }) => !this.#cut.has(address));
    const hosts = Map.groupBy(fresh, ({ hostAddress }) => hostAddress);
    await Promise.all(
      [...hosts].map(([hostAddress, list]) =>
        hostAddress === undefined ? undefined : this.#seeHost(hostAddress, list),
      ),
    );
  }

  async #seeHost(hostAddress: string, list: readonly Candidate[]): Promise<void> {
    const { lookAt = lookAtHost, cut = cutConnections, log } = this.#options;
    const host = await lookAt(hostAddress);
    if (host.ok || host.isSilent !== true) return;
    for (const { address } of list) {
      try {
        await cut(address);
        this.#cut.add(address);
        log(`edge: nothing answers at ${hostAddress}: connections to ${address} ended`);
      } catch (error) {
        log(`warn edge: connections to ${address} could not be ended: ${(error as Error).message}`);
      }
    }
  }
}

const lookAtHost = (address: string): Promise<ProbeResult> =>
  probeTcp({ address, port: namesPort, timeoutMs: hostTimeoutMs });

/**
 * Destroys the established TCP connections to an address and port in this network namespace (Linux's SOCK_DESTROY, which
 * needs CAP_NET_ADMIN): their owner reads ECONNABORTED.
 */
function cutConnections(address: string): Promise<void> {
  const colon = address.lastIndexOf(':');
  const place = ['dst', address.slice(0, colon), 'dport', '=', `:${address.slice(colon + 1)}`];
  const argv = ['--kill', '--tcp', '--numeric', 'state', 'established', ...place];
  return new Promise((resolve, reject) => {
    execFile('ss', argv, { timeout: cutTimeoutMs }, (error) => (error ? reject(error) : resolve()));
  });
}
