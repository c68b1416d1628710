import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { certificateRecord, makeRoot } from '../../test/test-certificates.ts';
import { CertificateFiles } from './certificate-files.ts';

const clusterKey = Buffer.alloc(32, 7).toString('base64');

test('a certificate serves on when a catalog that lost its data has one of the private CA instead, until it ends', async (t) => {
  const edgePath = await mkdtemp(join(tmpdir(), 'seawall-certs-'));
  t.after(() => rm(edgePath, { recursive: true, force: true }));
  const root = await makeRoot();
  const recordOf = async (isInterim: boolean) =>
    certificateRecord(['a.test'], [await root.issue(['a.test'])], clusterKey, { isInterim });
  const [first, interim, next] = [await recordOf(false), await recordOf(true), await recordOf(false)];
  const endsAt = Date.parse(first.notAfter);
  const files = new CertificateFiles({ edgePath, clusterKey, kept: [], log: () => {} });
  const put = async (record: typeof first | undefined, nowMs: number): Promise<string | undefined> => {
    const live = new Map(record === undefined ? [] : [['a.test', JSON.stringify(record)]]);
    await files.put(live, new Map([['a.test', ['a.test']]]), nowMs);
    return files.kept.get('a.test')?.keys[0]?.fingerprint;
  };
  const [ofFirst, ofInterim, ofNext] = [first, interim, next].map(({ keys }) => keys[0]?.fingerprint);
  assert.equal(await put(interim, endsAt - 5), ofInterim);
  assert.equal(await put(first, endsAt - 4), ofFirst);
  assert.equal(await put(undefined, endsAt - 3), ofFirst);
  assert.equal(await put(interim, endsAt - 2), ofFirst);
  assert.match(files.problems.get('a.test') ?? '', /private CA for now; the one before serves on/);
  assert.equal(await put(interim, endsAt - 1), ofFirst);
  assert.equal(await put(interim, endsAt), ofInterim);
  assert.equal(files.problems.get('a.test'), undefined);
  assert.equal(await put(next, endsAt + 1), ofNext);
});
