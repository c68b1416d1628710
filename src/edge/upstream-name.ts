import type { RouteRecord } from '../catalog/record.ts';

/** The key by which routes share an upstream, and by which the loop keeps addresses in force. */
export function upstreamName(
  route: Pick<RouteRecord, 'project' | 'catalogService' | 'port' | 'domain' | 'upstreamTls'>,
): string {
  // Names of upstreams know no case in nginx, and take part in URLs: all but the plain characters is written as ~hex.
  const encode = (text: string) =>
    [...new TextEncoder().encode(text)]
      .map((byte) => {
        const char = String.fromCharCode(byte);
        return /[a-z0-9._-]/.test(char) ? char : `~${byte.toString(16).padStart(2, '0')}`;
      })
      .join('');
  const name = `${encode(route.project)}~~${encode(route.catalogService)}~~${route.port}`;
  if (route.upstreamTls === undefined) return name;
  // nginx takes any idle connection of an upstream: one that was verified otherwise must not be among them.
  const { trust, serverName = route.domain.toLowerCase().replace(/\.$/, '') } = route.upstreamTls;
  return `${name}~~tls~~${encode(serverName)}~~${shortSum(trust)}`;
}

/** Two FNV-1a sums of 32 bits with different starts: tells the few CAs of one project's service apart. */
function shortSum(text: string): string {
  const sums = [0x811c9dc5, 0x01000193].map((start) => {
    let sum = start;
    for (let at = 0; at < text.length; at += 1) sum = Math.imul(sum ^ text.charCodeAt(at), 0x01000193);
    return (sum >>> 0).toString(16).padStart(8, '0');
  });
  return sums.join('');
}
