import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sampleRoute } from '../../test/edge-samples.ts';
import { startTestCatalog } from '../../test/test-catalog.ts';
import { KEY } from '../catalog/record.ts';
import { packValue } from '../packed.ts';
import { CatalogEar } from './heard.ts';
import type { Heard } from './inputs.ts';

test('routes that are packed are heard as they were written, and one damaged entry harms no other', async (t) => {
  const { client } = await startTestCatalog(t);
  const long = JSON.stringify(
    Array.from({ length: 5000 }, (_, at) => ({ domain: `shop-${at}.example.com` })),
  );
  const packed = packValue(long);
  assert.ok(packed.length < long.length / 4);
  await client.kvPut(KEY.route('long'), packed);
  await client.kvPut(KEY.route('short'), '[]');
  await client.kvPut(KEY.route('damaged'), packed.slice(0, -20));
  const end = new AbortController();
  const changed = Promise.withResolvers<Readonly<Record<string, string>>>();
  const onChange = (): void => {
    const routes = ear?.heard(0)?.routes;
    if (routes !== undefined) changed.resolve(routes);
  };
  const ear: CatalogEar = new CatalogEar({
    ...{ client, signal: end.signal, before: undefined, onChange },
    onError: changed.reject,
  });
  const { long: heard, short, damaged } = await changed.promise;
  assert.equal(heard, long);
  assert.equal(short, '[]');
  assert.equal(damaged, packed.slice(0, -20));
  end.abort();
  await ear.close();
});

test('a route that cannot be served does not keep the others from being heard', async (t) => {
  const { client } = await startTestCatalog(t);
  const entry = (project: string, catalogService: string) =>
    client.kvPut(KEY.route(project), JSON.stringify([sampleRoute({ project, catalogService })]));
  await entry('bad', '');
  await entry('good', 'good-web');
  const end = new AbortController();
  const changed = Promise.withResolvers<Heard>();
  const onChange = (): void => {
    const heard = ear?.heard(0);
    if (heard !== undefined) changed.resolve(heard);
  };
  const ear: CatalogEar = new CatalogEar({
    ...{ client, signal: end.signal, before: undefined, onChange },
    onError: changed.reject,
  });
  t.after(() => {
    end.abort();
    return ear.close();
  });
  const { routes, instances } = await changed.promise;
  assert.deepEqual(Object.keys(routes ?? {}).toSorted(), ['bad', 'good']);
  assert.deepEqual(instances, { 'good-web': [] });
});
