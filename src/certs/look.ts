import { Resolver } from 'node:dns/promises';
import { request } from 'node:http';
import { describeError } from '../errors.ts';
import type { Call } from './ports.ts';
import type { LookAtNames } from './preflight.ts';

const TIMEOUT_MS = 5_000;
const MOST_BYTES = 4_096;

/** Looks at names as this host sees them: its own resolver, port 80. */
export function lookFromHere(port = 80): LookAtNames {
  return {
    addresses: async (name) => {
      const resolver = new Resolver({ timeout: TIMEOUT_MS / 2, tries: 1 });
      const [v4, v6] = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
      const found = [v4, v6].flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
      if (found.length > 0) return found;
      return v4.status === 'rejected' ? describeError(v4.reason) : 'no A or AAAA record';
    },
    answer: async (name, token, call) => {
      try {
        return { text: await getAnswer({ name, token, port }, call) };
      } catch (error) {
        return { error: describeError(error) };
      }
    },
  };
}

function getAnswer(
  { name, token, port }: { readonly name: string; readonly token: string; readonly port: number },
  { signal }: Call,
): Promise<string> {
  const limit = AbortSignal.timeout(TIMEOUT_MS);
  const path = `/.well-known/acme-challenge/${encodeURIComponent(token)}`;
  return new Promise((resolve, reject) => {
    const ends = signal === undefined ? limit : AbortSignal.any([limit, signal]);
    const options = { host: name, port, path, headers: { host: name }, signal: ends, agent: false } as const;
    const call = request(options, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
        if (text.length > MOST_BYTES) response.destroy(new Error('more than 4 KiB'));
      });
      response.on('error', reject);
      response.on('end', () =>
        response.statusCode === 200 ? resolve(text) : reject(new Error(`status ${response.statusCode}`)),
      );
    });
    call.on('error', (error) =>
      reject(limit.aborted ? new Error(`no answer within ${TIMEOUT_MS / 1000} s`, { cause: error }) : error),
    );
    call.end();
  });
}
