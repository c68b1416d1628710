/** Where a server listens, as `ADDRESS:PORT` in seawall.yml. */
export interface ListenAddress {
  readonly address: string;
  readonly port: number;
}

const IPV4 = /^(?<address>(?:\d{1,3}\.){3}\d{1,3}):(?<port>\d{1,5})$/;
const IPV6 = /^\[(?<address>[0-9a-fA-F:.]+)\]:(?<port>\d{1,5})$/;

/** Undefined when the text is no address with a port; IPv6 stands in brackets (RFC 3986 section 3.2.2), its shortest form comes out. */
export function parseListenAddress(text: string): ListenAddress | undefined {
  const { address = '', port = '' } = (IPV4.exec(text) ?? IPV6.exec(text))?.groups ?? {};
  const number = Number(port);
  if (address === '' || number < 1 || number > 65_535) return undefined;
  if (!address.includes(':'))
    return address.split('.').every((byte) => Number(byte) < 256) ? { address, port: number } : undefined;
  const url = `http://[${address}]`;
  return URL.canParse(url) ? { address: new URL(url).hostname.slice(1, -1), port: number } : undefined;
}

/** Whether only this machine reaches an address (RFC 1122 section 3.2.1.3, RFC 4291 section 2.5.3). */
export const isLoopback = (address: string): boolean => address.startsWith('127.') || address === '::1';
