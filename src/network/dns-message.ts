import { type DecodedPacket, decode, encode, type Question } from 'dns-packet';
import type { Reply } from './names.ts';

/** Seconds that an answer may be kept: long enough for one look-up, short enough for a swap. */
const TTL_S = 1;
/** RFC 1035 section 4.2.1; what an asker takes over UDP when it does not say more. */
const PLAIN_UDP_BYTES = 512;
/** More is not sent over UDP, whatever the asker takes: it would be cut into fragments (DNS flag day 2020). */
const LARGEST_UDP_BYTES = 1232;
const RCODE = { ok: 0, formatError: 1, serverFailure: 2, unknown: 3, notImplemented: 4, refused: 5 } as const;
const OPCODE = 0x7800;
const FLAG = { recursionDesired: 0x0100, recursionAvailable: 0x0080, truncated: 0x0200 } as const;

/** A query that can be answered: one question. */
export interface Query {
  readonly id: number;
  readonly flags: number;
  readonly name: string;
  readonly type: string;
  /** Bytes that the asker takes over UDP; absent: it does not know EDNS. */
  readonly udpBytes?: number;
}

/** Reads a query. `undefined`: not even a header to answer to, or itself an answer. */
export function decodeQuery(message: Buffer): Query | 'format-error' | 'not-implemented' | undefined {
  if (message.length < 12 || (message.readUInt16BE(2) & 0x8000) !== 0) return undefined;
  if ((message.readUInt16BE(2) & OPCODE) !== 0) return 'not-implemented';
  let decoded: DecodedPacket;
  try {
    decoded = decode(message);
  } catch {
    return 'format-error';
  }
  const question = decoded.questions?.[0];
  if (question === undefined || decoded.questions?.length !== 1) return 'format-error';
  const options = decoded.additionals?.find((one) => one.type === 'OPT');
  return {
    id: decoded.id ?? 0,
    flags: decoded.flags ?? 0,
    name: question.name,
    type: question.type,
    ...(options?.type === 'OPT' ? { udpBytes: options.udpPayloadSize } : {}),
  };
}

/** The answer to a query; over UDP with as many addresses as fit, marked as cut when that is not all. */
export function encodeReply(
  query: Query,
  reply: Exclude<Reply, { kind: 'forward' }>,
  transport: 'udp' | 'tcp',
): Buffer {
  const options = query.udpBytes === undefined ? Buffer.alloc(0) : optionsRecord();
  const head = encodeHead(query, replyCode(reply));
  const limit =
    transport === 'tcp'
      ? 65_535
      : Math.min(Math.max(query.udpBytes ?? 0, PLAIN_UDP_BYTES), LARGEST_UDP_BYTES);
  const records = recordsOf(reply);
  const answers: Buffer[] = [];
  let size = head.length + options.length;
  for (const record of records) {
    if (size + record.length > limit) break;
    size += record.length;
    answers.push(record);
  }
  head.writeUInt16BE(answers.length, 6);
  head.writeUInt16BE(query.udpBytes === undefined ? 0 : 1, 10);
  if (answers.length < records.length) head.writeUInt16BE(head.readUInt16BE(2) | FLAG.truncated, 2);
  return Buffer.concat([head, ...answers, options]);
}

/** Says to a query that cannot be answered at all why; only its id is taken over. */
export function encodeFailure(
  message: Buffer,
  why: 'format-error' | 'not-implemented' | 'server-failure',
): Buffer {
  const code = {
    'format-error': RCODE.formatError,
    'not-implemented': RCODE.notImplemented,
    'server-failure': RCODE.serverFailure,
  };
  const head = Buffer.alloc(12);
  message.copy(head, 0, 0, 2);
  const asked = message.readUInt16BE(2) & (FLAG.recursionDesired | OPCODE);
  head.writeUInt16BE(0x8000 | asked | FLAG.recursionAvailable | code[why], 2);
  return head;
}

/** Like {@link encodeFailure} with the question repeated, for a query that was understood. */
export function encodeServerFailure(query: Query): Buffer {
  return encodeHead(query, RCODE.serverFailure);
}

function encodeHead(query: Query, code: number): Buffer {
  const flags = (query.flags & FLAG.recursionDesired) | FLAG.recursionAvailable | code;
  const question = { name: query.name, type: query.type } as Question;
  return encode({ type: 'response', id: query.id, flags, questions: [question] });
}

function replyCode(reply: Reply): number {
  if (reply.kind === 'unknown') return RCODE.unknown;
  return reply.kind === 'refused' ? RCODE.refused : RCODE.ok;
}

function recordsOf(reply: Reply): Buffer[] {
  if (reply.kind === 'addresses') return reply.addresses.map(addressRecord);
  if (reply.kind !== 'pointer') return [];
  return [record(PTR, encodeName(reply.name))];
}

/** RFC 1035 section 4.1.4: the name at offset 12. The encoder writes names in full, which would halve what fits. */
const NAME_OF_QUESTION = Buffer.from([0xc0, 0x0c]);

const A = 1;
const PTR = 12;

const addressRecord = (address: string): Buffer => record(A, Buffer.from(address.split('.').map(Number)));

function record(type: number, data: Buffer): Buffer {
  const fixed = Buffer.from([0, type, 0, 1, 0, 0, 0, TTL_S, 0, data.length]);
  return Buffer.concat([NAME_OF_QUESTION, fixed, data]);
}

/** RFC 1035 section 3.1; labels are at most 63 bytes, the data of one record here at most 255. */
function encodeName(name: string): Buffer {
  const labels = name.split('.').map((label) => Buffer.from(label.slice(0, 63)));
  return Buffer.concat([
    ...labels.map((label) => Buffer.concat([Buffer.from([label.length]), label])),
    Buffer.alloc(1),
  ]);
}

/** RFC 6891 section 6.1.2: our own UDP size, no flags, no options. */
function optionsRecord(): Buffer {
  const record = Buffer.alloc(11);
  record.writeUInt16BE(41, 1);
  record.writeUInt16BE(LARGEST_UDP_BYTES, 3);
  return record;
}
