import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startTestCatalog } from '../../../test/test-catalog.ts';
import { type CatalogClient, parseEntry } from '../../catalog/index.ts';
import { KEY } from '../../catalog/record.ts';
import { type CertificateRecord, type KeptAcknowledgement, SEAL } from '../../catalog/tls-record.ts';
import { SeawallError } from '../../errors.ts';
import {
  hostCertificateId,
  type KeptCertificate,
  SERVICE_FILES,
  serviceCertificateId,
} from '../../kept-certificate.ts';
import { seal } from '../../secrets/index.ts';
import { ensureAuthority, issueCertificate } from '../ca/index.ts';
import { type FolderContent, folderContent } from './files.ts';
import { type KeptHands, watchKept } from './watch.ts';

const clusterKey = Buffer.alloc(32, 7).toString('base64');
const registry = hostCertificateId('app1', 'registry.internal');
const service = serviceCertificateId('polls', 'api');
const files = { certificate: 'r.crt', key: 'r.key', trust: 'ca.crt' };
const kept: KeptCertificate = {
  ...{ version: 1, id: registry, folder: '/etc/registry/tls', files, uid: 0, gid: 0, replaces: false },
  reload: { signal: 'SIGHUP', container: 'registry' },
};

async function issue(client: CatalogClient, id: string, name: string): Promise<CertificateRecord> {
  const now = Date.now();
  const authority = await ensureAuthority({ client, clusterKey, now });
  const {
    chain,
    key = '',
    fingerprint,
    serial,
    notBefore,
    notAfter,
  } = await issueCertificate(authority, {
    ...{ names: [name], purpose: 'other' as const, now },
  });
  const own = {
    type: 'ecdsa' as const,
    chain,
    key: seal(clusterKey, key, SEAL.key(id)),
    fingerprint,
    serial,
  };
  const record: CertificateRecord = {
    ...{ id, names: [name], source: 'internal', issuer: 'internal', isInterim: false, keys: [own] },
    ...{ notBefore, notAfter },
  };
  await client.kvPut(KEY.liveCertificate(id), JSON.stringify(record));
  return record;
}

const rootOf = async (client: CatalogClient): Promise<string> =>
  (await ensureAuthority({ client, clusterKey, now: Date.now() })).record.root.certificate;

async function until(what: string, probe: () => Promise<boolean> | boolean): Promise<void> {
  const end = performance.now() + 10_000;
  while (!(await probe())) {
    if (performance.now() > end) assert.fail(`not within 10 s: ${what}`);
    await sleep(10);
  }
}

/** The loop on a real catalog, with hands that note what they are to do. */
async function stage(t: TestContext) {
  const { client } = await startTestCatalog(t);
  const folder = await mkdtemp(join(tmpdir(), 'seawall-kept-'));
  const [settingsFolder, stateFolder] = [join(folder, 'settings'), folder];
  await mkdir(settingsFolder);
  const done: string[] = [];
  const contents: FolderContent[] = [];
  let wrong: Error | undefined;
  let isMounted = false;
  let read: string | undefined;
  const hands: KeptHands = {
    write: async ({ id }, content) => {
      if (wrong !== undefined) throw wrong;
      done.push(`write ${id}`);
      contents.push(content);
    },
    tell: async ({ id, reload }) => {
      done.push(`tell ${id} ${reload?.signal}`);
      return ['registry'];
    },
    stale: async (_id, fingerprint) => (fingerprint === read ? [] : ['polls-api-1']),
    remove: async (id) => {
      if (!isMounted) done.push(`remove ${id}`);
      return !isMounted;
    },
  };
  const end = new AbortController();
  const cluster = { key: clusterKey, host: { name: 'app1' } } as Parameters<typeof watchKept>[0]['cluster'];
  const start = () => {
    const run = new AbortController();
    const signal = AbortSignal.any([run.signal, end.signal]);
    const running = watchKept({
      cluster,
      client,
      stateFolder,
      hands,
      signal,
      log: () => {},
      settingsFolder,
      lookMs: 20,
      staleMs: 100,
    });
    return async () => {
      run.abort();
      await running;
    };
  };
  t.after(async () => {
    end.abort();
    await rm(folder, { recursive: true, force: true });
  });
  const ask = (what: KeptCertificate) =>
    writeFile(join(settingsFolder, `${what.id}.json`), JSON.stringify(what));
  const said = async (): Promise<KeptAcknowledgement> => {
    const { value } = await client.kvGet(KEY.keptAck('app1'));
    return value === undefined ? {} : parseEntry<KeptAcknowledgement>(value);
  };
  return {
    ...{ client, done, contents, start, ask, said, settingsFolder },
    fail: (error: Error | undefined) => {
      wrong = error;
    },
    reads: (fingerprint: string | undefined) => {
      read = fingerprint;
    },
    mount: (is: boolean) => {
      isMounted = is;
    },
  };
}

test('a certificate is written, its program told, and both said; a new one again, and once only', async (t) => {
  const { client, done, contents, start, ask, said } = await stage(t);
  const first = await issue(client, registry, 'registry.internal');
  const stop = start();
  await ask(kept);
  await until(
    'it says the first',
    async () => (await said())[registry]?.fingerprint === first.keys[0]?.fingerprint,
  );
  const second = await issue(client, registry, 'registry.internal');
  await until(
    'it says the second',
    async () => (await said())[registry]?.fingerprint === second.keys[0]?.fingerprint,
  );
  await stop();
  const round = [`write ${registry}`, `tell ${registry} SIGHUP`];
  assert.deepEqual(done, [...round, ...round]);
  const [key, certificate, trust] = contents[1]?.files ?? [];
  assert.deepEqual([key?.mode, certificate?.mode, trust?.mode], [0o600, 0o444, 0o444]);
  const leaf = new X509Certificate(certificate?.text ?? '');
  assert.ok(leaf.checkPrivateKey(createPrivateKey(key?.text ?? '')));
  assert.equal(trust?.text, new X509Certificate(await rootOf(client)).toString());
});

test('after a restart the folder is looked after, and nobody is told of what he knows', async (t) => {
  const { client, done, start, ask, said } = await stage(t);
  await issue(client, registry, 'registry.internal');
  await ask(kept);
  const stop = start();
  await until('it is there', async () => (await said())[registry]?.fingerprint !== undefined);
  await stop();
  done.length = 0;
  const again = start();
  await until('it was written', () => done.length > 0);
  await again();
  assert.deepEqual(done, [`write ${registry}`]);
});

test('what fails is said with its reason, and tried again', async (t) => {
  const { client, start, ask, said, fail } = await stage(t);
  await issue(client, registry, 'registry.internal');
  fail(new SeawallError('docker', 'no space left on device'));
  await ask(kept);
  const stop = start();
  await until('it says why', async () => (await said())[registry]?.problem === 'no space left on device');
  fail(undefined);
  await until('it is there', async () => {
    const own = (await said())[registry];
    return own?.fingerprint !== undefined && own.problem === undefined;
  });
  await stop();
});

test('a service’s folder goes when it is not wanted any more, and no replica mounts it', async (t) => {
  const { client, done, start, ask, settingsFolder, said, mount } = await stage(t);
  await issue(client, service, 'api.polls.internal');
  const folder = `/var/lib/seawall/certificates/${service}`;
  const { reload: _reload, ...rest } = kept;
  await ask({ ...rest, id: service, folder, files: SERVICE_FILES, uid: 1000, gid: 1000 });
  mount(true);
  const stop = start();
  await until('it is there', async () => (await said())[service]?.fingerprint !== undefined);
  await rm(join(settingsFolder, `${service}.json`));
  await until('it is not said any more', async () => (await said())[service] === undefined);
  assert.ok(!done.includes(`remove ${service}`));
  mount(false);
  await until('it is gone', () => done.includes(`remove ${service}`));
  await stop();
});

test('a file that says something else than this version would is said, and nothing is done', async (t) => {
  const { client, done, start, ask, said } = await stage(t);
  await issue(client, registry, 'registry.internal');
  await ask({ ...kept, folder: '/usr/bin' });
  const stop = start();
  await until('it says so', async () => /not as this version/.test((await said())[registry]?.problem ?? ''));
  await stop();
  assert.deepEqual(done, []);
});

test('a record with another certificate’s key, or with anything that is none, gets nowhere near a folder', async (t) => {
  const { client } = await startTestCatalog(t);
  const [one, other] = [
    await issue(client, registry, 'a.internal'),
    await issue(client, service, 'b.internal'),
  ];
  const root = await rootOf(client);
  const [own] = one.keys;
  assert.ok(own);
  const with_ = (change: object) =>
    folderContent(kept, { ...one, keys: [{ ...own, ...change }] }, root, clusterKey);
  assert.equal(with_({}).files.length, 3);
  assert.throws(() => with_({ key: other.keys[0]?.key }), { code: 'refused' });
  const foreign = await issue(client, registry, 'a.internal');
  assert.throws(() => with_({ key: foreign.keys[0]?.key }), /does not belong to its key/);
  assert.throws(() => with_({ chain: '* * * * * root id' }), /no certificate/);
  const spiked = with_({ chain: `* * * * * root id\n${own.chain}` }).files.find(
    ({ name }) => name === 'r.crt',
  );
  assert.match(spiked?.text ?? '', /^-----BEGIN CERTIFICATE-----/);
  assert.throws(() => folderContent(kept, { ...one, id: service }, root, clusterKey), { code: 'refused' });
});

test('replicas that go on with the certificate before are said, until they read the new one', async (t) => {
  const { client, start, ask, said, reads } = await stage(t);
  const first = await issue(client, service, 'api.polls.internal');
  const { reload: _reload, ...rest } = kept;
  await ask({
    ...rest,
    id: service,
    folder: `/var/lib/seawall/certificates/${service}`,
    files: SERVICE_FILES,
  });
  reads(first.keys[0]?.fingerprint);
  const stop = start();
  await until('it is there', async () => (await said())[service]?.fingerprint !== undefined);
  const second = await issue(client, service, 'api.polls.internal');
  await until('it is said', async () => (await said())[service]?.stale?.join() === 'polls-api-1');
  assert.equal((await said())[service]?.problem, undefined);
  reads(second.keys[0]?.fingerprint);
  await until('it is said no more', async () => (await said())[service]?.stale === undefined);
  await stop();
});
