import { isIPv4 } from 'node:net';
import type { HostRecord } from '../catalog/record.ts';
import { isPrivateAddress } from '../ranges.ts';
import type { Call } from './ports.ts';
import type { Proof } from './solver.ts';

/** What is looked at from this host; both never reject. */
export interface LookAtNames {
  /** Addresses of a name, IPv4 and IPv6; a text says why there are none. */
  readonly addresses: (name: string, call: Call) => Promise<readonly string[] | string>;
  /** What `http://NAME/.well-known/acme-challenge/TOKEN` answers; a text with `error` says why nothing did. */
  readonly answer: (
    name: string,
    token: string,
    call: Call,
  ) => Promise<{ readonly text: string } | { readonly error: string }>;
}

export interface PreflightOptions {
  readonly look: LookAtNames;
  readonly proofs: readonly Proof[];
  readonly hosts: readonly HostRecord[];
}

/**
 * What looks wrong from here before the CA is asked. Warnings only: routers that do not lead a host back to itself
 * (hairpin NAT), split DNS and load balancers in front make this view differ from the CA's, which is the judge.
 */
export async function nameWarnings(options: PreflightOptions, call: Call): Promise<string[]> {
  const warnings = await Promise.all(options.proofs.map((proof) => lookAt(options, proof, call)));
  return warnings.flat();
}

async function lookAt({ look, hosts }: PreflightOptions, proof: Proof, call: Call): Promise<string[]> {
  const { name, token, keyAuthorization } = proof;
  const found = await look.addresses(name, call);
  if (typeof found === 'string') return [`${name} has no address in the DNS as seen from here: ${found}`];
  const elsewhere = foreign(found, hosts);
  const answer = await look.answer(name, token, call);
  if ('text' in answer && answer.text.trim() === keyAuthorization) return [];
  const what =
    'text' in answer
      ? `somebody else answers http://${name}/.well-known/acme-challenge/…`
      : `http://${name}/ does not answer from here: ${answer.error}`;
  const where =
    elsewhere.length > 0 ? `; the DNS leads to ${elsewhere.join(', ')}, which is none of the edges` : '';
  return [`${what}${where}. From outside it may look different; the CA's word counts`];
}

/** IPv4 addresses of the name that no edge has; none where the edges' own public addresses are not known. */
function foreign(addresses: readonly string[], hosts: readonly HostRecord[]): string[] {
  const edges = hosts.filter(({ roles }) => roles.includes('edge')).map(({ address }) => address);
  if (!edges.some((address) => isIPv4(address) && !isPrivateAddress(address))) return [];
  return addresses.filter((address) => isIPv4(address) && !edges.includes(address));
}
