import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { FakeAcme } from '../../test/fake-acme.ts';
import { startTestCatalog } from '../../test/test-catalog.ts';
import { KEY } from '../catalog/record.ts';
import { type AccountOptions, rollAccountKey, signIn } from './account.ts';
import { AcmeError, makeKey } from './acme/index.ts';
import type { Acme } from './ports.ts';

const directory = 'https://ca.test/dir';

async function makeScene(t: TestContext) {
  const { client } = await startTestCatalog(t);
  const ca = new FakeAcme(Date.now);
  const options: AccountOptions = {
    client,
    clusterKey: Buffer.alloc(32, 9).toString('base64'),
    issuer: { directory, email: 'ops@example.test' },
    connect: ca.connect,
    makeAccountKey: () => makeKey('ecdsa'),
  };
  const text = async () => JSON.stringify((await client.kvList('seawall/acme/accounts/')).value);
  return { ca, options, text, client };
}

test('two leaders that sign in at the same time end with one account, whose key is sealed', async (t) => {
  const { ca, options, text } = await makeScene(t);
  const [first, second] = await Promise.all([signIn(options, {}), signIn(options, {})]);
  assert.equal(first.accountKey, second.accountKey);
  assert.equal(ca.accounts.length, 1);
  assert.doesNotMatch(await text(), /PRIVATE KEY/);
});

test("the account's key is changed, and the next sign-in uses the new one", async (t) => {
  const { ca, options, text } = await makeScene(t);
  const before = await signIn(options, {});
  await rollAccountKey(options, {});
  const after = await signIn(options, {});
  assert.notEqual(after.accountKey, before.accountKey);
  assert.deepEqual(ca.keys, [after.accountKey]);
  assert.equal(ca.accounts.length, 1);
  assert.doesNotMatch(await text(), /nextKey/);
});

for (const isTaken of [false, true]) {
  const when = isTaken ? 'after the server took the new key' : 'before the server heard of it';
  test(`a change of key that is cut off ${when} is finished by the next sign-in`, async (t) => {
    const { ca, options, text } = await makeScene(t);
    await signIn(options, {});
    const cut = (about: Parameters<AccountOptions['connect']>[0]): Acme => {
      const acme = ca.connect(about);
      const rollKey: Acme['rollKey'] = async (key) => {
        if (isTaken) await acme.rollKey(key);
        throw new AcmeError('unreachable', 'cut off', directory);
      };
      return { ...acme, rollKey };
    };
    await assert.rejects(rollAccountKey({ ...options, connect: cut }, {}), /cut off/);
    assert.match(await text(), /nextKey/);
    const { accountKey } = await signIn(options, {});
    assert.deepEqual(ca.keys, [accountKey]);
    assert.equal(ca.accounts.length, 1);
    assert.doesNotMatch(await text(), /nextKey/);
  });
}

test('the record stands under the hash of the directory, so that any address fits in a key', async (t) => {
  const { options, client } = await makeScene(t);
  await signIn(options, {});
  const { value } = await client.kvList('seawall/acme/accounts/');
  assert.match(value[0]?.key ?? '', /^seawall\/acme\/accounts\/[0-9a-f]{64}$/);
  assert.equal(value[0]?.key.startsWith(KEY.acmeAccount('')), true);
});
