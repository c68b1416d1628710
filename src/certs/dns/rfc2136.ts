import { createHmac, randomInt, timingSafeEqual } from 'node:crypto';
import { decode, encode } from 'dns-packet';
import type { DnsHook } from '../../catalog/tls-record.ts';
import { SeawallError } from '../../errors.ts';
import type { Call } from '../ports.ts';
import type { DnsProvider } from './provider.ts';
import { askByTcp } from './tcp.ts';
import {
  encodeUpdate,
  parseReply,
  type TsigRecord,
  type TxtUpdate,
  tsigVariables,
  withTsig,
} from './update-message.ts';

type Rfc2136Hook = Extract<DnsHook, { readonly kind: 'rfc2136' }>;

/** RFC 8945 section 10: the recommended value. */
const FUDGE_SECONDS = 300;

/** Dynamic updates (RFC 2136) over TCP, signed, and the answers' signatures checked (TSIG, RFC 8945). */
export function rfc2136Provider(hook: Rfc2136Hook, wallClock: () => number): DnsProvider {
  const send = async (action: TxtUpdate['action'], name: string, value: string, call: Call) => {
    const zone = hook.zone ?? (await zoneOf(hook, name, call));
    await update(hook, { id: randomInt(0x10000), zone, action, name, value }, { wallClock, call });
  };
  return {
    present: (fqdn, value, call) => send('add', fqdn, value, call),
    cleanup: (fqdn, value, call) => send('delete', fqdn, value, call),
  };
}

async function update(
  hook: Rfc2136Hook,
  change: TxtUpdate,
  { wallClock, call }: { readonly wallClock: () => number; readonly call: Call },
): Promise<void> {
  const { keyName, algorithm } = hook;
  const message = encodeUpdate(change);
  const time = Math.floor(wallClock() / 1000);
  const about = {
    keyName,
    algorithm,
    time,
    fudge: FUDGE_SECONDS,
    originalId: change.id,
    error: 0,
    other: Buffer.alloc(0),
  };
  const mac = sign(hook, [message, tsigVariables(about)]);
  const where = `${change.action} ${change.name} in ${change.zone}`;
  const answer = await askByTcp(hook, withTsig(message, { ...about, mac }), call);
  const reply = readReply(hook, answer, where);
  if (reply.tsig !== undefined && reply.tsig.error !== 0)
    throw signatureRefused(hook, reply.tsig.error, where);
  if (reply.rcode !== 0 && reply.tsig === undefined) throw refused(hook, reply.rcode, where);
  if (
    reply.id !== change.id ||
    reply.tsig === undefined ||
    !isSigned(hook, { mac, reply: reply.unsigned, tsig: reply.tsig })
  )
    throw forged(hook, where);
  if (reply.rcode !== 0) throw refused(hook, reply.rcode, where);
}

function readReply(hook: Rfc2136Hook, answer: Buffer, where: string) {
  try {
    return parseReply(answer);
  } catch (cause) {
    throw new SeawallError('refused', `${hook.server} answered an update with something that is no DNS`, {
      where,
      cause,
    });
  }
}

function sign({ algorithm, key }: Rfc2136Hook, parts: readonly Buffer[]): Buffer {
  const hmac = createHmac(algorithm.replace('hmac-', ''), Buffer.from(key, 'base64'));
  for (const part of parts) hmac.update(part);
  return hmac.digest();
}

/** RFC 8945 section 5.3: the answer is signed together with the question's signature. */
function isSigned(
  hook: Rfc2136Hook,
  { mac, reply, tsig }: { readonly mac: Buffer; readonly reply: Buffer; readonly tsig: TsigRecord },
): boolean {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(mac.length);
  const signed = Buffer.from(reply);
  signed.writeUInt16BE(tsig.originalId, 0);
  const wanted = sign(hook, [length, mac, signed, tsigVariables(tsig)]);
  return wanted.length === tsig.mac.length && timingSafeEqual(wanted, tsig.mac);
}

/** The zone that a name lies in: the owner of the SOA record that the server answers with, or adds to a denial (RFC 2308). */
async function zoneOf(hook: Rfc2136Hook, name: string, call: Call): Promise<string> {
  const question = encode({ type: 'query', id: randomInt(0x10000), questions: [{ type: 'SOA', name }] });
  const answer = await askByTcp(hook, question, call);
  const { answers = [], authorities = [] } = decode(answer);
  const soa = [...answers, ...authorities].find(({ type }) => type === 'SOA');
  if (soa !== undefined) return soa.name;
  throw new SeawallError('refused', `${hook.server} does not say which of its zones ${name} lies in`, {
    hint: 'Name the zone: `zone:` under `rfc2136:`.',
  });
}

/** RFC 1035 section 4.1.1, RFC 2136 section 2.2. */
const RCODES: Readonly<Record<number, string>> = {
  1: 'FORMERR',
  2: 'SERVFAIL',
  3: 'NXDOMAIN',
  4: 'NOTIMP',
  5: 'REFUSED',
  9: 'NOTAUTH',
  10: 'NOTZONE',
};

const refused = ({ server, keyName }: Rfc2136Hook, rcode: number, where: string): SeawallError =>
  new SeawallError('refused', `${server} refused the update: ${RCODES[rcode] ?? `code ${rcode}`}`, {
    where,
    hint: `See that the server is the zone's primary and lets key ${keyName} change TXT records below _acme-challenge (BIND: update-policy).`,
  });

/** RFC 8945 section 3. */
const TSIG_ERRORS: Readonly<Record<number, string>> = {
  16: 'the signature is wrong (BADSIG): the key is another one there',
  17: 'it does not know the key (BADKEY)',
  18: 'the clocks differ by more than 5 minutes (BADTIME)',
  22: 'the signature is too short (BADTRUNC)',
};

const signatureRefused = ({ server, keyName }: Rfc2136Hook, error: number, where: string): SeawallError =>
  new SeawallError(
    'refused',
    `${server} refused the update: ${TSIG_ERRORS[error] ?? `TSIG error ${error}`}`,
    {
      where,
      hint: `Compare name, algorithm and secret of key ${keyName} with the server's configuration, and both clocks.`,
    },
  );

const forged = ({ server }: Rfc2136Hook, where: string): SeawallError =>
  new SeawallError('refused', `${server} answered the update without a valid signature`, {
    where,
    hint: 'Somebody in between may have answered. Whether the record is there is not known.',
  });
