/** One published port, as the long form writes it. */
export interface PortSpec {
  readonly mode: 'ingress';
  readonly host_ip?: string;
  readonly target: number;
  readonly published?: string;
  readonly protocol: string;
}

/**
 * The short form `[[IP:]PUBLISHED:]TARGET[/PROTOCOL]`, each a port or a range; one item per container port.
 *
 * @returns a sentence instead when it cannot be read.
 */
export function parsePorts(text: string): readonly PortSpec[] | string {
  const [spec = '', protocol = 'tcp', ...rest] = text.split('/');
  const fields = spec.split(':');
  const [published, target] = [parseRange(fields.at(-2) ?? ''), parseRange(fields.at(-1) ?? '')];
  if (rest.length > 0 || !/^(tcp|udp|sctp)$/i.test(protocol))
    return `the protocol in "${text}" must be tcp, udp or sctp`;
  if (target === undefined || (published === undefined && (fields.at(-2) ?? '') !== '')) {
    return `"${text}" is no port; write "TARGET", "PUBLISHED:TARGET" or "IP:PUBLISHED:TARGET" with numbers from 1 to 65535`;
  }
  const address = fields.slice(0, -2).join(':');
  const width = target.last - target.first;
  const publishedWidth = published === undefined ? undefined : published.last - published.first;
  // One container port may be given any free port of a range; otherwise ranges must be equally long.
  if (publishedWidth !== undefined && publishedWidth !== width && width !== 0)
    return `the ranges in "${text}" differ in length`;
  const items: PortSpec[] = [];
  for (let offset = 0; offset <= width; offset++) {
    items.push({
      mode: 'ingress',
      ...(address ? { host_ip: address.replace(/^\[(.*)\]$/, '$1') } : {}),
      target: target.first + offset,
      ...(published === undefined ? {} : { published: showPublished(published, width, offset) }),
      protocol: protocol.toLowerCase(),
    });
  }
  return items;
}

interface Range {
  readonly first: number;
  readonly last: number;
}

function showPublished(published: Range, width: number, offset: number): string {
  if (width === 0 && published.last > published.first) return `${published.first}-${published.last}`;
  return `${published.first + offset}`;
}

function parseRange(text: string): Range | undefined {
  const match = /^(\d+)(?:-(\d+))?$/.exec(text);
  if (match === null) return undefined;
  const first = Number(match[1]);
  const last = match[2] === undefined ? first : Number(match[2]);
  return first < 1 || last > 65_535 || last < first ? undefined : { first, last };
}
