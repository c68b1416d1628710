import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestCatalog } from '../../../test/test-catalog.ts';
import { type CertificateWish, parseEntry } from '../../catalog/index.ts';
import { KEY } from '../../catalog/record.ts';
import { MANUAL } from '../../catalog/tls-record.ts';
import { hostCertificateId } from '../../kept-certificate.ts';
import { forgetHost } from './forget-host.ts';

test('nobody renews any more what a host that is forgotten kept', async (t) => {
  const { client } = await startTestCatalog(t);
  const wish = (id: string) => ({ id, names: ['x.internal'] }) as unknown as CertificateWish;
  const other = [wish('mail.example.com'), wish(hostCertificateId('app10', 'x.internal'))];
  const own = wish(hostCertificateId('app1', 'x.internal'));
  await client.kvPut(KEY.wish(MANUAL), JSON.stringify([own, ...other]));
  await client.kvPut(KEY.keptAck('app1'), '{}');
  await forgetHost(client, 'app1', { stay: [], hosts: [] }, new AbortController().signal);
  const { value } = await client.kvGet(KEY.wish(MANUAL));
  assert.deepEqual(value && parseEntry(value), other);
  assert.equal((await client.kvGet(KEY.keptAck('app1'))).value, undefined);
});
