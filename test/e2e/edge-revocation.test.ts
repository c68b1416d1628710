/** Client certificates and revocation lists, at a real nginx. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:https';
import { after, before, type TestContext, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { KEY } from '../../src/catalog/record.ts';
import {
  ensureAuthority,
  issueCertificate,
  recordIssued,
  renewRevocationList,
  renewRootList,
  revokeSerial,
} from '../../src/certs/index.ts';
import type { RouteTls } from '../../src/compose/desired.ts';
import { makeRoot } from '../test-certificates.ts';
import { route, startUpstream, type Upstream, until } from './edge-nginx.ts';
import { routeTls, TlsStage } from './edge-tls-stage.ts';

const DAY_MS = 86_400_000;
let replica: Upstream;

before(async () => {
  replica = await startUpstream((_request, response) => response.end('served'));
});

after(() => replica?.close());

/** An edge with `closed.test`, whose clients need a certificate. */
async function stageWith(t: TestContext, change: Partial<RouteTls>): Promise<TlsStage> {
  const stage = await TlsStage.make(t);
  await stage.register(replica);
  await stage.publish([
    route({ domain: 'closed.test', tls: routeTls('closed.test', change) }),
    route({ domain: 'open.test', tls: routeTls('open.test') }),
  ]);
  await stage.certify(['closed.test']);
  await stage.served(await stage.certify(['open.test']));
  return stage;
}

interface Identity {
  readonly cert: string;
  readonly key: string;
}

interface Visit {
  readonly status: number;
  readonly isResumed: boolean;
  readonly session: Buffer | undefined;
}

/** One request on a connection of its own, of an earlier session when there is one. */
async function visit(stage: TlsStage, who: Identity, session?: Buffer): Promise<Visit> {
  const call = request({
    ...{ host: '127.0.0.1', port: stage.httpsPort, servername: 'closed.test', agent: false },
    ...{ ca: stage.root.certificate, ...who, headers: { host: `closed.test:${stage.httpsPort}` } },
    ...(session === undefined ? {} : { session }),
  });
  let given: Buffer | undefined;
  call.on('socket', (socket) => socket.on('session', (next: Buffer) => (given = next)));
  call.end();
  const [response] = await once(call, 'response');
  const isResumed = (response.socket as TLSSocket).isSessionReused();
  response.resume();
  await once(response, 'end');
  return { status: response.statusCode, isResumed, session: given };
}

/** 0: no handshake. */
const statusOf = (stage: TlsStage, who: Identity): Promise<number> =>
  visit(stage, who).then(
    ({ status }) => status,
    () => 0,
  );
const isServed = (stage: TlsStage, who: Identity) => async () => (await statusOf(stage, who)) === 200;
const isRefused = (stage: TlsStage, who: Identity) => async () => (await statusOf(stage, who)) === 400;

/** The private CA in the stage's catalog, and clients of it. */
async function authorityOf(stage: TlsStage) {
  const { client } = stage.parts.catalog;
  const { clusterKey } = stage;
  const authority = await ensureAuthority({ client, clusterKey, now: Date.now() });
  const give = async (name: string) => {
    const issued = await issueCertificate(authority, { names: [name], purpose: 'client', now: Date.now() });
    await recordIssued(client, authority, issued, { by: 'ann' });
    return { cert: issued.chain, key: issued.key ?? '', serial: issued.serial };
  };
  const list = (now = Date.now()) => renewRevocationList({ client, authority, now });
  const lists = async (): Promise<void> => {
    await list();
    await renewRootList({ client, clusterKey, authority, now: Date.now() });
  };
  const revoke = (serial: string) => revokeSerial({ client, serial, now: Date.now() });
  return { client, authority, give, list, lists, revoke };
}

test('a client that the private CA revoked is refused once the list is there, also when it resumes a session', async (t) => {
  const stage = await stageWith(t, { clientCa: 'internal' });
  const { give, lists, list, revoke } = await authorityOf(stage);
  await lists();
  const [ann, bob] = [await give('ann@example.internal'), await give('bob@example.internal')];
  await until('ann is let in', isServed(stage, ann));
  // Until all workers of before the reload have left, one of them may take the connection and know no such name.
  const session = await until('a session of hers is taken up again', async () => {
    const first = await visit(stage, ann).catch(() => undefined);
    const again = await visit(stage, ann, first?.session).catch(() => undefined);
    return again?.status === 200 && again.isResumed && first?.session;
  });
  await revoke(ann.serial);
  await list();
  await until('ann is refused', isRefused(stage, ann));
  // For a moment workers of before and after the reload take connections side by side.
  const late = () => visit(stage, ann, session);
  await until('her session is worth nothing', async () => (await late()).status === 400);
  await until('only new workers take connections', async () => {
    const all = await Promise.all(Array.from({ length: 20 }, late));
    return all.every(({ status, isResumed }) => status === 400 && !isResumed);
  });
  for (let round = 0; round < 20; round += 1) {
    const { status, isResumed } = await late();
    assert.deepEqual([status, isResumed], [400, false]);
  }
  assert.equal((await visit(stage, bob)).status, 200);
});

test("the private CA's root in a file is the private CA: its lists are looked at too", async (t) => {
  const stage = await TlsStage.make(t);
  const { authority, give, lists, list, revoke } = await authorityOf(stage);
  await lists();
  await stage.register(replica);
  const tls = routeTls('closed.test', { clientCa: `# ours\n${authority.record.root.certificate}` });
  await stage.publish([route({ domain: 'closed.test', tls })]);
  await stage.certify(['closed.test']);
  const ann = await give('ann@example.internal');
  await until('ann is let in', isServed(stage, ann));
  await revoke(ann.serial);
  await list();
  await until('ann is refused', isRefused(stage, ann));
});

test('before the lists are there nobody is let in, and others are served', async (t) => {
  const stage = await stageWith(t, { clientCa: 'internal' });
  const { give, lists, list } = await authorityOf(stage);
  const ann = await give('ann@example.internal');
  await list();
  await stage.acknowledged('it is told', ({ problems }) =>
    /revocation lists of its client certificates are not there/.test(JSON.stringify(problems)),
  );
  await assert.rejects(visit(stage, ann), /unrecognized name/);
  assert.equal((await stage.get('open.test')).status, 200);
  await lists();
  await until('ann is let in', isServed(stage, ann));
});

test('a list that has ended lets nobody in, and the next one everybody again', async (t) => {
  const stage = await stageWith(t, { clientCa: 'internal' });
  const { client, give, lists, list } = await authorityOf(stage);
  await lists();
  const ann = await give('ann@example.internal');
  await until('ann is let in', isServed(stage, ann));
  await client.kvDelete(KEY.revocationList);
  await list(Date.now() - 8 * DAY_MS);
  await until('ann is refused', isRefused(stage, ann));
  assert.equal((await stage.get('open.test')).status, 200);
  await list();
  await until('ann is let in again', isServed(stage, ann));
});

test('an edge that starts without the catalog has the lists it had', async (t) => {
  const stage = await stageWith(t, { clientCa: 'internal' });
  const { give, lists, list, revoke } = await authorityOf(stage);
  await lists();
  const [ann, bob] = [await give('ann@example.internal'), await give('bob@example.internal')];
  await until('ann is let in', isServed(stage, ann));
  await revoke(ann.serial);
  await list();
  await until('ann is refused', isRefused(stage, ann));
  await stage.stop();
  await stage.parts.catalog.stop();
  stage.start();
  await until('it serves', isServed(stage, bob));
  assert.equal((await visit(stage, ann)).status, 400);
});

test('of given CAs the given lists count', async (t) => {
  const clients = await makeRoot('CN=Clients');
  const [ann, bob] = await Promise.all(
    ['ann', 'bob'].map((name) => clients.issue([name], { isClient: true })),
  );
  assert.ok(ann && bob);
  const clientCrl = await clients.revoke([ann]);
  const stage = await stageWith(t, { clientCa: clients.certificate, clientCrl });
  await until('bob is let in', isServed(stage, { cert: bob.chain, key: bob.key }));
  assert.equal((await visit(stage, { cert: ann.chain, key: ann.key })).status, 400);
});
