import { Resolver } from 'node:dns/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Call } from '../ports.ts';

export interface AuthoritativeOptions {
  /** Servers (`ADDRESS` or `ADDRESS:PORT`) to find out with; absent: those of the host. */
  readonly resolvers?: readonly string[];
  /** Asked in place of the zone's own name servers. */
  readonly nameServers?: readonly string[];
  /** Milliseconds that the zone's servers have to show a value. */
  readonly boundMs: number;
}

/** How the zone of a name looks from outside. */
export interface ZoneView {
  /** Name that an alias leads to (CNAME, RFC 8555 section 8.4 by way of RFC 1034 section 3.6.2), or the name itself. */
  readonly target: (fqdn: string, call: Call) => Promise<string>;
  /** Waits, bounded, until every name server of the zone shows the values. @returns what did not come to pass. */
  readonly settle: (fqdn: string, values: readonly string[], call: Call) => Promise<readonly string[]>;
}

const QUERY_MS = 3_000;
const MOST_ALIASES = 8;
const PAUSE_MS = { first: 500, most: 5_000 };

export function authoritativeView(options: AuthoritativeOptions): ZoneView {
  return {
    target: (fqdn) => followAliases(options, fqdn),
    settle: (fqdn, values, call) => waitForValues(options, { fqdn, values }, call),
  };
}

function resolver(servers: readonly string[] | undefined): Resolver {
  const made = new Resolver({ timeout: QUERY_MS, tries: 2 });
  if (servers !== undefined && servers.length > 0) made.setServers(servers);
  return made;
}

async function followAliases({ resolvers }: AuthoritativeOptions, fqdn: string): Promise<string> {
  const ask = resolver(resolvers);
  let name = fqdn;
  for (let hop = 0; hop < MOST_ALIASES; hop += 1) {
    const [next] = await ask.resolveCname(name).catch(() => []);
    if (next === undefined) return name;
    name = next;
  }
  return name;
}

async function waitForValues(
  options: AuthoritativeOptions,
  { fqdn, values }: { readonly fqdn: string; readonly values: readonly string[] },
  { signal }: Call,
): Promise<readonly string[]> {
  const deadline = performance.now() + options.boundMs;
  const servers = await nameServers(options, fqdn);
  if (servers.length === 0)
    return [`the name servers of ${fqdn} were not found: the CA is asked without a look at them`];
  for (let pauseMs = PAUSE_MS.first; ; pauseMs = Math.min(PAUSE_MS.most, pauseMs * 2)) {
    const shown = await Promise.all(servers.map((server) => shows(server, fqdn, values)));
    const late = servers.filter((_server, index) => shown[index] !== true);
    if (late.length === 0) return [];
    if (performance.now() > deadline)
      return [`after ${options.boundMs / 1000} s the TXT record ${fqdn} is not at ${late.join(', ')}`];
    await sleep(pauseMs, undefined, signal === undefined ? {} : { signal });
  }
}

async function shows(server: string, fqdn: string, values: readonly string[]): Promise<boolean> {
  const found = await resolver([server])
    .resolveTxt(fqdn)
    .catch(() => []);
  const texts = found.map((parts) => parts.join(''));
  return values.every((value) => texts.includes(value));
}

/** Addresses of the servers of the closest zone that has any (RFC 1034 section 4.2.1). */
async function nameServers(
  { nameServers: given, resolvers }: AuthoritativeOptions,
  fqdn: string,
): Promise<readonly string[]> {
  if (given !== undefined) return given;
  const ask = resolver(resolvers);
  const labels = fqdn.split('.');
  for (let from = 0; from < labels.length - 1; from += 1) {
    const names = await ask.resolveNs(labels.slice(from).join('.')).catch(() => []);
    if (names.length === 0) continue;
    const addresses = await Promise.all(
      names.map(async (name) => {
        // Hosts without IPv6 would wait for nothing: one family is enough to see the value.
        const found = await ask.resolve4(name).catch(() => []);
        return found.length > 0 ? found : ask.resolve6(name).catch(() => []);
      }),
    );
    return addresses.flat();
  }
  return [];
}
