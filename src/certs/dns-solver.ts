import { describeError } from '../errors.ts';
import type { ZoneView } from './dns/authoritative.ts';
import type { DnsProvider } from './dns/provider.ts';
import type { Call } from './ports.ts';
import type { Proof, Solver } from './solver.ts';

export interface DnsSolverOptions {
  readonly provider: DnsProvider;
  readonly zone: ZoneView;
  /** RFC 8555 section 8.4: text of the TXT record. */
  readonly dnsValue: (keyAuthorization: string) => string | Promise<string>;
}

/** A TXT record of a challenge. */
interface Text {
  readonly fqdn: string;
  readonly value: string;
}

/**
 * DNS-01 (RFC 8555 section 8.4). A wildcard and its base name have one record name and two values, which must stand at the
 * same time: all are put before any is asked for.
 */
export function dnsSolver(options: DnsSolverOptions): Solver {
  const { provider, zone } = options;
  return {
    type: 'dns-01',
    present: async (proofs, call) => {
      // One after the other: providers that read and write a whole zone lose one of two changes at once.
      for (const { fqdn, value } of await textsOf(options, proofs, call))
        await provider.present(fqdn, value, call);
    },
    settle: async (proofs, call) => {
      const texts = await textsOf(options, proofs, call);
      const byName = Map.groupBy(texts, ({ fqdn }) => fqdn);
      const late = [...byName].map(([fqdn, own]) =>
        zone.settle(
          fqdn,
          own.map(({ value }) => value),
          call,
        ),
      );
      return (await Promise.all(late)).flat();
    },
    remove: async (proofs, call) => {
      const warnings: string[] = [];
      for (const { fqdn, value } of await textsOf(options, proofs, call)) {
        await provider.cleanup(fqdn, value, call).catch((error: unknown) => {
          warnings.push(`the TXT record ${fqdn} could not be taken away: ${describeError(error)}`);
        });
      }
      return warnings;
    },
  };
}

const textsOf = (
  { zone, dnsValue }: DnsSolverOptions,
  proofs: readonly Proof[],
  call: Call,
): Promise<Text[]> =>
  Promise.all(
    proofs.map(async ({ name, keyAuthorization }) => ({
      fqdn: await zone.target(`_acme-challenge.${name}`, call),
      value: await dnsValue(keyAuthorization),
    })),
  );
