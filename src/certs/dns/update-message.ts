/** Messages of dynamic updates: RFC 2136, in the wire form of RFC 1035 section 4. */

const UPDATE_OPCODE = 5;
const TYPE = { soa: 6, txt: 16, tsig: 250 } as const;
const CLASS = { in: 1, none: 254, any: 255 } as const;
/** Seconds; nobody needs to remember it. */
const TXT_TTL = 60;

export interface TxtUpdate {
  readonly id: number;
  readonly zone: string;
  readonly action: 'add' | 'delete';
  readonly name: string;
  readonly value: string;
}

/** One TXT record added to what is there (RFC 2136 section 2.5.1), or just that one deleted (section 2.5.4). */
export function encodeUpdate({ id, zone, action, name, value }: TxtUpdate): Buffer {
  const text = Buffer.from(value, 'utf8');
  const data = Buffer.concat([Buffer.from([text.length]), text]);
  return Buffer.concat([
    uint16(id, UPDATE_OPCODE << 11, 1, 0, 1, 0),
    encodeName(zone),
    uint16(TYPE.soa, CLASS.in),
    encodeName(name),
    uint16(TYPE.txt, action === 'add' ? CLASS.in : CLASS.none),
    uint32(action === 'add' ? TXT_TTL : 0),
    uint16(data.length),
    data,
  ]);
}

/** What is signed with a message, beside the message (RFC 8945 section 4.2). */
export interface TsigRecord {
  readonly keyName: string;
  /** Such as `hmac-sha256`. */
  readonly algorithm: string;
  /** Seconds of the epoch. */
  readonly time: number;
  /** Seconds by which clocks may differ. */
  readonly fudge: number;
  readonly mac: Buffer;
  readonly originalId: number;
  readonly error: number;
  readonly other: Buffer;
}

/** RFC 8945 section 4.3.3: the variables that go into the signature. */
export function tsigVariables({
  keyName,
  algorithm,
  time,
  fudge,
  error,
  other,
}: Omit<TsigRecord, 'mac'>): Buffer {
  return Buffer.concat([
    encodeName(keyName),
    uint16(CLASS.any),
    uint32(0),
    encodeName(algorithm),
    uint48(time),
    uint16(fudge, error, other.length),
    other,
  ]);
}

/** The message with its signature as the last additional record. */
export function withTsig(message: Buffer, tsig: TsigRecord): Buffer {
  const data = Buffer.concat([
    encodeName(tsig.algorithm),
    uint48(tsig.time),
    uint16(tsig.fudge, tsig.mac.length),
    tsig.mac,
    uint16(tsig.originalId, tsig.error, tsig.other.length),
    tsig.other,
  ]);
  const record = Buffer.concat([
    encodeName(tsig.keyName),
    uint16(TYPE.tsig, CLASS.any),
    uint32(0),
    uint16(data.length),
    data,
  ]);
  const signed = Buffer.concat([message, record]);
  signed.writeUInt16BE(message.readUInt16BE(10) + 1, 10);
  return signed;
}

export interface Reply {
  readonly id: number;
  readonly rcode: number;
  readonly tsig?: TsigRecord;
  /** The message as it was before it was signed. */
  readonly unsigned: Buffer;
}

/** Reads an answer; throws RangeError when it is none. */
export function parseReply(message: Buffer): Reply {
  const id = message.readUInt16BE(0);
  const rcode = message.readUInt16BE(2) & 0x0f;
  const counts = [4, 6, 8, 10].map((at) => message.readUInt16BE(at));
  const [questions = 0, answers = 0, authorities = 0, additionals = 0] = counts;
  let at = 12;
  for (let index = 0; index < questions; index += 1) at = skipName(message, at) + 4;
  const records = answers + authorities + additionals;
  for (let index = 0; index < records; index += 1) {
    const start = at;
    const fields = skipName(message, at);
    const end = fields + 10 + message.readUInt16BE(fields + 8);
    if (end > message.length) throw new RangeError('a record beyond the end of the message');
    const isTsig = message.readUInt16BE(fields) === TYPE.tsig && index === records - 1 && additionals > 0;
    if (isTsig) return { id, rcode, tsig: parseTsig(message, start), unsigned: beforeTsig(message, start) };
    at = end;
  }
  return { id, rcode, unsigned: message };
}

function beforeTsig(message: Buffer, start: number): Buffer {
  const unsigned = Buffer.from(message.subarray(0, start));
  unsigned.writeUInt16BE(message.readUInt16BE(10) - 1, 10);
  return unsigned;
}

function parseTsig(message: Buffer, start: number): TsigRecord {
  const fields = skipName(message, start);
  const data = fields + 10;
  const times = skipName(message, data);
  const macAt = times + 10;
  const macEnd = macAt + message.readUInt16BE(times + 8);
  const otherAt = macEnd + 6;
  const otherEnd = otherAt + message.readUInt16BE(macEnd + 4);
  if (otherEnd > message.length) throw new RangeError('a signature beyond the end of the message');
  return {
    keyName: readName(message, start),
    algorithm: readName(message, data),
    time: message.readUIntBE(times, 6),
    fudge: message.readUInt16BE(times + 6),
    mac: Buffer.from(message.subarray(macAt, macEnd)),
    originalId: message.readUInt16BE(macEnd),
    error: message.readUInt16BE(macEnd + 2),
    other: Buffer.from(message.subarray(otherAt, otherEnd)),
  };
}

/** Labels of 1 to 63 bytes, 255 bytes in all (RFC 1035 section 3.1); lower case, as signatures want it. */
export function encodeName(name: string): Buffer {
  const labels = name
    .toLowerCase()
    .replace(/\.$/, '')
    .split('.')
    .filter((label, _at, all) => label !== '' || all.length > 1);
  const parts = labels.map((label) => {
    const bytes = Buffer.from(label, 'utf8');
    if (bytes.length === 0 || bytes.length > 63) throw new RangeError(`${name} is no DNS name`);
    return Buffer.concat([Buffer.from([bytes.length]), bytes]);
  });
  const encoded = Buffer.concat([...parts, Buffer.from([0])]);
  if (encoded.length > 255) throw new RangeError(`${name} is longer than a DNS name may be`);
  return encoded;
}

/** @returns where the name ends; a pointer (RFC 1035 section 4.1.4) ends it. */
function skipName(message: Buffer, start: number): number {
  for (let at = start; ; ) {
    const length = message.readUInt8(at);
    if (length === 0) return at + 1;
    if (length >= 0xc0) return at + 2;
    at += length + 1;
  }
}

function readName(message: Buffer, start: number): string {
  const labels: string[] = [];
  for (let at = start, jumps = 0; jumps < 20; ) {
    const length = message.readUInt8(at);
    if (length === 0) return labels.join('.').toLowerCase();
    if (length >= 0xc0) {
      at = message.readUInt16BE(at) & 0x3fff;
      jumps += 1;
      continue;
    }
    labels.push(message.toString('latin1', at + 1, at + 1 + length));
    at += length + 1;
  }
  throw new RangeError('a name that points in circles');
}

function uint16(...numbers: number[]): Buffer {
  const bytes = Buffer.alloc(2 * numbers.length);
  for (const [index, number] of numbers.entries()) bytes.writeUInt16BE(number, 2 * index);
  return bytes;
}

function uint32(number: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(number);
  return bytes;
}

function uint48(number: number): Buffer {
  const bytes = Buffer.alloc(6);
  bytes.writeUIntBE(number, 0, 6);
  return bytes;
}
