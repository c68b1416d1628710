import assert from 'node:assert/strict';
import { createServer as createPlain } from 'node:net';
import { type TestContext, test } from 'node:test';
import { createServer } from 'node:tls';
import { makeRoot } from '../../../test/test-certificates.ts';
import { sha256 } from '../../hash.ts';
import type { ContainerSummary, Docker } from '../../hosts/index.ts';
import { staleReplicas } from './served.ts';

const root = await makeRoot();
const [mine, before] = await Promise.all([root.issue(['api']), root.issue(['api'])]);
const leafOf = (chain: string): string =>
  sha256(Buffer.from(chain.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64')).slice(0, 32);

async function listening(t: TestContext, server: ReturnType<typeof createPlain>): Promise<number> {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  t.after(() => server.close());
  return (server.address() as { readonly port: number }).port;
}

const container = (name: string, port: number | undefined): ContainerSummary =>
  ({
    ...{ Id: name, Names: [`/${name}`], Labels: port === undefined ? {} : { 'seawall.port': `${port}` } },
    NetworkSettings: { Networks: { a: { IPAddress: '' }, b: { IPAddress: '127.0.0.1' } } },
  }) as unknown as ContainerSummary;

test('only who serves with another certificate is stale; who gives no handshake is somebody else’s business', async (t) => {
  const serve = ({ chain, key }: typeof mine) => listening(t, createServer({ cert: chain, key }));
  const plain = createPlain((socket) => socket.end('no TLS'));
  const found = [
    container('new', await serve(mine)),
    container('old', await serve(before)),
    container('plain', await listening(t, plain)),
    container('closed', 1),
    container('unrouted', undefined),
  ];
  const asked: unknown[] = [];
  const docker = {
    listContainers: async (options: unknown) => {
      asked.push(options);
      return found;
    },
  } as unknown as Docker;
  const { signal } = new AbortController();
  assert.deepEqual(await staleReplicas('_service.a.b', leafOf(mine.chain), docker, signal), ['old']);
  assert.deepEqual(asked, [{ labels: ['seawall.certificate=_service.a.b'], signal }]);
});
