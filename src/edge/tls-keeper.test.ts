import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeRoot } from '../../test/test-certificates.ts';
import type { RouteRecord } from '../catalog/record.ts';
import type { EdgeModel } from './model.ts';
import { TlsKeeper } from './tls-keeper.ts';

const NOW = Date.now();

test('the CA of a route whose configuration is not in force yet is not removed', async (t) => {
  const edgePath = await mkdtemp(join(tmpdir(), 'seawall-keeper-'));
  t.after(() => rm(edgePath, { recursive: true, force: true }));
  const { certificate } = await makeRoot();
  const keeper = new TlsKeeper({
    ...{ edgePath, clusterKey: Buffer.alloc(32).toString('base64'), kept: undefined, log: () => {} },
  });
  const route = { domain: 'a.internal', tls: 'off', upstreamTls: { trust: 'internal' } } as RouteRecord;
  const authority = JSON.stringify({ root: { certificate } });
  const { trust } = await keeper.settle({ authority }, [route], NOW);
  // Confirmed just now: what nginx got before there was the route.
  await keeper.prune({ settings: { generation: 1 }, servers: [], upstreams: [] } as unknown as EdgeModel);
  assert.deepEqual(await readdir(join(edgePath, 'trust')), [trust.get('internal')]);
  await keeper.settle({ authority }, [], NOW);
  await keeper.prune({
    settings: { generation: 2 },
    servers: [{ tls: undefined }],
    upstreams: [],
  } as unknown as EdgeModel);
});
