import { connect } from 'node:net';
import { SeawallError } from '../../errors.ts';
import type { Call } from '../ports.ts';

const TIMEOUT_MS = 15_000;

/** One question to a DNS server over TCP (RFC 7766): two bytes of length before each message. */
export async function askByTcp(
  { server, port }: { readonly server: string; readonly port: number },
  message: Buffer,
  { signal }: Call,
): Promise<Buffer> {
  signal?.throwIfAborted();
  const limit = AbortSignal.timeout(TIMEOUT_MS);
  const ends = signal === undefined ? limit : AbortSignal.any([limit, signal]);
  const socket = connect({ host: server, port });
  const end = () => socket.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`));
  ends.addEventListener('abort', end, { once: true });
  try {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(message.length);
    socket.write(Buffer.concat([length, message]));
    let got = Buffer.alloc(0);
    for await (const chunk of socket) {
      got = Buffer.concat([got, chunk as Buffer]);
      if (got.length >= 2 && got.length >= 2 + got.readUInt16BE(0))
        return got.subarray(2, 2 + got.readUInt16BE(0));
    }
    throw new Error('it closed the connection without an answer');
  } catch (cause) {
    signal?.throwIfAborted();
    throw new SeawallError('unreachable', `the DNS server ${server} does not answer on TCP port ${port}`, {
      hint: 'It is asked by the host that leads: see that it is reachable from every host with the role `edge`.',
      cause,
    });
  } finally {
    ends.removeEventListener('abort', end);
    socket.destroy();
  }
}
