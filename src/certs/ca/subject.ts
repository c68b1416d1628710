import { BlockList, isIP } from 'node:net';
import { SeawallError } from '../../errors.ts';

/** A name that a certificate is for. */
export interface Subject {
  readonly type: 'dns' | 'ip' | 'email';
  /** Lower case; IPv6 addresses in their short form (RFC 5952). */
  readonly value: string;
}

/** Letters, digits and inner hyphens (RFC 1123 section 2.1); underscores are used in private networks and do no harm. */
const LABEL = /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/;
const MAX_NAME = 253;
/** The dot-atom of RFC 5322 section 3.2.3. */
const LOCAL_PART = /^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/i;

const isDnsName = (text: string): boolean =>
  text.length <= MAX_NAME && text.split('.').every((label) => LABEL.test(label));

/**
 * A DNS name (`*.` in front: any one label), an IP address or, for clients, an e-mail address.
 * @throws SeawallError `input`
 */
export function parseSubject(text: string): Subject {
  const name = text.toLowerCase();
  if (isIP(name) !== 0) return { type: 'ip', value: shortAddress(name) };
  const at = text.lastIndexOf('@');
  if (at > 0 && LOCAL_PART.test(text.slice(0, at)) && isDnsName(name.slice(at + 1))) {
    return { type: 'email', value: `${text.slice(0, at)}${name.slice(at)}` };
  }
  if (isDnsName(name.replace(/^\*\./, '')) && !/^[\d.]+$/.test(name)) return { type: 'dns', value: name };
  throw new SeawallError('input', `"${text}" is no name that a certificate can be for`, {
    hint: /[^\0-\x7f]/.test(text)
      ? 'Write international names as xn--… (Punycode).'
      : 'Write a DNS name (registry.internal, *.example.internal) or an IP address; for --client also an e-mail address.',
  });
}

/** The one spelling of an address. */
const shortAddress = (address: string): string =>
  isIP(address) === 6 ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address;

/** What a CA may issue for: everything at or below a DNS name, or addresses of a block. */
export interface Permit {
  readonly type: 'dns' | 'ip';
  /** DNS name in lower case, or CIDR. */
  readonly value: string;
}

/** `example.internal`, `10.0.0.0/8`, `fd00::/8` or a single address. @throws SeawallError `input` */
export function parsePermit(text: string): Permit {
  const name = text.toLowerCase();
  const [address = '', length, ...rest] = name.split('/');
  const bits = { 0: 0, 4: 32, 6: 128 }[isIP(address)] ?? 0;
  const prefix = length === undefined ? bits : /^\d{1,3}$/.test(length) ? Number(length) : 999;
  if (bits > 0 && prefix <= bits && rest.length === 0)
    return { type: 'ip', value: `${shortAddress(address)}/${prefix}` };
  if (length === undefined && isDnsName(name) && !/^[\d.]+$/.test(name)) return { type: 'dns', value: name };
  throw new SeawallError('input', `--permit ${text} is neither a DNS name nor a block of addresses`, {
    hint: 'Write --permit example.internal (it holds for everything below, too) or --permit 10.0.0.0/8',
  });
}

/**
 * Whether a CA with these permits may issue for the name: without any for everything, otherwise only for what lies in one.
 * E-mail addresses go by their host.
 */
export function isPermitted(permitted: readonly string[], subject: Subject): boolean {
  if (permitted.length === 0) return true;
  const permits = permitted.map(parsePermit);
  if (subject.type === 'ip') {
    return permits.some(({ type, value }) => type === 'ip' && holdsAddress(value, subject.value));
  }
  const host = subject.value.slice(subject.value.lastIndexOf('@') + 1).replace(/^\*\./, '');
  return permits.some(({ type, value }) => type === 'dns' && (host === value || host.endsWith(`.${value}`)));
}

function holdsAddress(cidr: string, address: string): boolean {
  const [base = '', prefix] = cidr.split('/');
  // A list of one family takes IPv4 addresses mapped into IPv6 for IPv4.
  if (isIP(base) !== isIP(address)) return false;
  const family = isIP(base) === 6 ? 'ipv6' : 'ipv4';
  const block = new BlockList();
  block.addSubnet(base, Number(prefix), family);
  return block.check(address, family);
}
