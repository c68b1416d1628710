/**
 * Top-level names that are nobody's in the public DNS, so that no public CA issues for them: RFC 6761 (test, example, invalid,
 * localhost), 6762 (local), 7686 (onion), 8375 (home.arpa), 9476 (alt), ICANN's `internal` (2024), and those that private
 * networks use although nobody gave them away.
 */
const PRIVATE_ENDINGS = [
  ...['test', 'example', 'invalid', 'localhost', 'local', 'onion', 'home.arpa', 'alt', 'internal'],
  ...['lan', 'home', 'corp', 'intranet', 'private', 'localdomain'],
];

/** Whether a public CA could issue a certificate for a name at all (CA/Browser Forum Baseline Requirements, 4.2.2). */
export function isPublicName(name: string): boolean {
  const plain = name.replace(/^\*\./, '');
  if (!plain.includes('.') || isAddress(plain)) return false;
  return !PRIVATE_ENDINGS.some((ending) => plain === ending || plain.endsWith(`.${ending}`));
}

/** An IPv4 address in the place of a domain; IPv6 has colons, which no route has. */
export const isAddress = (domain: string): boolean => /^\d+(\.\d+){3}$/.test(domain);
