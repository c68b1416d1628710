import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestCatalog } from '../../test/test-catalog.ts';
import { ensureSubnet, releaseSubnets } from './index.ts';
import { KEY } from './record.ts';

const RANGE = '10.208.0.0/12';
const owner = (network: string, project = 'polls') => ({ host: 'app1', project, network, internal: false });

test('a network keeps its block, and networks that are made at the same time get different ones', async (t) => {
  const { client } = await startTestCatalog(t);
  const names = ['a', 'b', 'c', 'd', 'e'];
  const subnets = await Promise.all(names.map((name) => ensureSubnet(client, RANGE, 2, owner(name))));
  assert.equal(new Set(subnets.map((subnet) => subnet.block)).size, names.length);
  for (const [index, name] of names.entries()) {
    assert.deepEqual(await ensureSubnet(client, RANGE, 2, owner(name)), subnets[index]);
  }
});

test('a project gives its blocks back on every host, and only its own', async (t) => {
  const { client } = await startTestCatalog(t);
  await ensureSubnet(client, RANGE, 2, owner('default'));
  const other = await ensureSubnet(client, RANGE, 2, owner('default', 'other'));
  await ensureSubnet(client, RANGE, 3, { ...owner('default'), host: 'app2' });
  await releaseSubnets(client, 'polls');
  const { value } = await client.kvList(KEY.subnets);
  const left = value.map((entry) => JSON.parse(entry.value).blocks);
  assert.deepEqual(left, [{ [other.block]: { project: 'other', network: 'default', internal: false } }, {}]);
});

test('a host that takes part in 31 networks takes no more and says so', async (t) => {
  const { client } = await startTestCatalog(t);
  for (let index = 1; index <= 31; index += 1) {
    assert.equal((await ensureSubnet(client, RANGE, 2, owner(`n${index}`))).block, index);
  }
  await assert.rejects(ensureSubnet(client, RANGE, 2, owner('one-more')), { code: 'refused' });
});
