/** What Pebble's log says that it was asked and did. Pure. */

/** What a client asked, in order; a request that is made again and again counts once. */
export function callsOf(log: string): string[] {
  const calls = [...log.matchAll(/(GET|HEAD|POST) (\/[A-Za-z-]+)\S* -> calling handler/g)].map(
    ([, method, path]) => `${method} ${path}`,
  );
  return calls.filter((call, index) => call !== calls[index - 1]);
}

const count = (log: string, what: RegExp): number => [...log.matchAll(what)].length;

/** Orders that were made. */
export const ordersOf = (log: string): number => count(log, /Added order "/g);

/** Certificates that were issued. */
export const issuedBy = (log: string): string[] =>
  [...log.matchAll(/Issued certificate serial ([0-9a-f]+)/g)].map(([, serial = '']) => serial);

/** Accounts that were made. */
export const accountsOf = (log: string): number => count(log, /There are now \d+ accounts in memory/g);

/** When the first order was made: such as `2026/11/27 17:48:52`, which sorts as text. */
export const firstOrderAt = (log: string): string | undefined =>
  /Pebble (\S+ \S+) Added order "/.exec(log)?.[1];
