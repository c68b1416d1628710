import { SeawallError } from '../src/errors.ts';

/** The two ranges of a lab's network. */
export interface LabRange {
  readonly subnet: string;
  readonly subnet6: string;
}

/**
 * The first range for a lab that overlaps none in use. Labs take the /24s of 10.99.0.0/16: private, and
 * off Docker's own pools (172.17.0.0/12, 192.168.0.0/16) and Seawall's default cluster range.
 */
export function freeRange(usedSubnets: readonly string[]): LabRange {
  const used = usedSubnets.flatMap((subnet) => parseRange(subnet) ?? []);
  for (let third = 0; third < 256; third += 1) {
    const subnet = `10.99.${third}.0/24`;
    const range = parseRange(subnet);
    if (range && !used.some((other) => other.first <= range.last && range.first <= other.last)) {
      return { subnet, subnet6: `fd5e:a3a1:${(0x9900 + third).toString(16)}::/64` };
    }
  }
  throw new SeawallError('refused', 'Every range for a lab is in use', {
    hint: 'npm run lab -- ls --all, then take one down: npm run lab -- down --name NAME',
  });
}

/** The first and last address of a version 4 range as numbers; undefined for anything else. */
function parseRange(subnet: string): { first: number; last: number } | undefined {
  const match = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\/(\d+)$/.exec(subnet);
  if (!match) return undefined;
  const [a = 0, b = 0, c = 0, d = 0, bits = 32] = match.slice(1).map(Number);
  const size = 2 ** (32 - bits);
  const address = ((a * 256 + b) * 256 + c) * 256 + d;
  const first = Math.floor(address / size) * size;
  return { first, last: first + size - 1 };
}
