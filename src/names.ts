/**
 * Name of a Compose service in the catalog. Consul's DNS and templates want `[a-z0-9-]`: other names are
 * altered and made unique by a suffix of their own hash, which the caller computes.
 */
export function catalogServiceName(project: string, service: string, hash: (text: string) => string): string {
  const plain = `${project}-${service}`;
  if (/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(plain)) return plain;
  const safe = plain
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '');
  return `${safe}-${hash(plain).slice(0, 8)}`;
}

/**
 * The candidate that `written` was probably meant to be: the nearest by edit distance (insertions, deletions,
 * replacements, swapped neighbours), at most a third of its length away.
 */
export function nearestName(written: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(written.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(written.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (last[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let cost = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, replaced);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwap) cost = Math.min(cost, (beforeLast[j - 2] ?? 0) + 1);
      row.push(cost);
    }
    [beforeLast, last] = [last, row];
  }
  return last[b.length] ?? 0;
}

/** Id of the certificate for a name: the name itself, a wildcard's `*` as `_wildcard`; fit for keys and file names. */
export const certificateId = (name: string): string => name.replace(/^\*\./, '_wildcard.').toLowerCase();

/** A DNS name in lower-case letters that a certificate can be for (RFC 1123 section 2.1; lengths: RFC 1035 section 2.3.4). */
export const isDomain = (text: string): boolean =>
  text.length <= 253 &&
  /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/.test(text);

/** Whether a name of a certificate is for a domain: a wildcard stands for exactly one label (RFC 9525 section 6.3). */
export const coversDomain = (name: string, domain: string): boolean =>
  name.toLowerCase() === domain.toLowerCase() ||
  (name.startsWith('*.') &&
    domain.includes('.') &&
    name.slice(2).toLowerCase() === domain.slice(domain.indexOf('.') + 1).toLowerCase());
