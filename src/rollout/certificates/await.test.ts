import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestCatalog } from '../../../test/test-catalog.ts';
import type {
  CatalogClient,
  CertificateRecord,
  CertificateState,
  TlsAcknowledgement,
} from '../../catalog/index.ts';
import { KEY } from '../../catalog/record.ts';
import type { Progress } from '../../progress.ts';
import type { RolloutResult } from '../result.ts';
import type { Session } from '../session.ts';
import { withCertificates } from './after.ts';

const domain = 'polls.example.com';
const issuer = { name: 'letsencrypt', directory: 'https://le.example/d' };

const record = (isInterim: boolean): CertificateRecord => ({
  ...{ id: domain, names: [domain], source: isInterim ? 'internal' : 'acme', isInterim },
  issuer: isInterim ? 'internal' : 'letsencrypt',
  keys: [{ type: 'ecdsa', chain: '', key: '', fingerprint: isInterim ? 'f0' : 'f1', serial: '1' }],
  notBefore: new Date(Date.now() - 1000).toISOString(),
  notAfter: new Date(Date.now() + 86_400_000).toISOString(),
});

const result: RolloutResult = {
  ...{ project: 'polls', outcome: 'done', release: 1, durationMs: 1, urls: [], notices: [], tasksSince: [] },
  plan: { project: 'polls', changes: [], steps: [{ kind: 'publish-routes', routes: [] }], obstacles: [] },
};

/** A catalog in which one edge is to serve one domain, and what a deploy says while it waits. */
async function stage(client: CatalogClient, signal: AbortSignal) {
  const put = (key: string, value: unknown) => client.kvPut(key, JSON.stringify(value));
  const wish = {
    ...{ id: domain, names: [domain], source: 'acme', issuers: [issuer] },
    challenge: 'http',
    keys: ['ecdsa'],
  };
  await put(KEY.wish('polls'), [wish]);
  await put(KEY.host('front'), { name: 'front', roles: ['edge'] });
  const serve = async (isInterim: boolean) => {
    const live = record(isInterim);
    await put(KEY.liveCertificate(domain), live);
    const ack: TlsAcknowledgement = {
      certificates: { [domain]: live.keys.map(({ fingerprint }) => fingerprint) },
      ...{ answers: [], problems: {} },
    };
    await put(KEY.tlsAck('front'), ack);
  };
  const notes: string[] = [];
  let hasNoted: () => void = () => {};
  const noted = new Promise<void>((done) => {
    hasNoted = done;
  });
  const report = (event: Progress): void => {
    if (event.kind !== 'note') return;
    notes.push(event.text);
    hasNoted();
  };
  const routes = [{ domain, path: '/', tls: { certificate: domain } }];
  const session = {
    client,
    cluster: {},
    desired: { project: 'polls', routes },
    report,
    signal,
    failures: [],
  };
  return { put, serve, notes, noted, session: session as unknown as Session };
}

test('a deploy waits for the certificate that a domain is to have, and says who issued it', async (t) => {
  const { client } = await startTestCatalog(t);
  const { serve, notes, noted, session } = await stage(client, new AbortController().signal);
  await serve(true);
  const waiting = withCertificates(session, result);
  await noted;
  await serve(false);
  const [found] = (await waiting).certificates ?? [];
  assert.deepEqual(
    [found?.domain, found?.certificate.kind, found?.certificate.issuer, found?.certificate.health],
    [domain, 'acme', 'letsencrypt', 'ok'],
  );
  assert.equal(notes[0], 'waiting for polls.example.com from letsencrypt');
});

test('a deploy does not wait longer for what failed while the private CA serves, and does not fail for it', async (t) => {
  const { client } = await startTestCatalog(t);
  const { put, serve, noted, session } = await stage(client, new AbortController().signal);
  const waiting = withCertificates(session, result);
  await noted;
  const lastError = { at: '', issuer: 'letsencrypt', text: 'no A record' };
  const state: CertificateState = { id: domain, failures: 1, warnings: [], lastError };
  await put(KEY.certificateState(domain), state);
  await serve(true);
  const { outcome, certificates } = await waiting;
  assert.equal(outcome, 'done');
  assert.equal(certificates?.[0]?.certificate.problem, 'letsencrypt: no A record');
});

test('Ctrl-C ends the wait with what is known', async (t) => {
  const { client } = await startTestCatalog(t);
  const stop = new AbortController();
  const { noted, session } = await stage(client, stop.signal);
  const waiting = withCertificates(session, result);
  await noted;
  stop.abort();
  assert.equal((await waiting).certificates?.[0]?.certificate.kind, 'none');
});

test('nothing is waited for when the edges were told nothing, or the deploy failed', async () => {
  const session = {} as Session;
  const unchanged = { ...result, plan: { ...result.plan, steps: [] } };
  assert.equal(await withCertificates(session, unchanged), unchanged);
  const reverted = { ...result, outcome: 'reverted' as const };
  assert.equal(await withCertificates(session, reverted), reverted);
});
