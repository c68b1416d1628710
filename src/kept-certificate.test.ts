import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  folderFault,
  hostCertificateId,
  parseKept,
  SERVICE_FILES,
  serviceCertificateId,
} from './kept-certificate.ts';

const OWN = '/var/lib/seawall/certificates';
const id = hostCertificateId('app1', 'registry.internal');
const files = { certificate: 'registry.internal.crt', key: 'registry.internal.key', trust: 'ca.crt' };
const fine = { version: 1, id, folder: '/etc/registry/tls', files, uid: 0, gid: 0, replaces: false };
const read = (change: object, of: string = id) => parseKept(of, JSON.stringify({ ...fine, ...change }), OWN);

test('what this version writes is read, with what is told of new files', () => {
  assert.deepEqual(read({}), fine);
  const reload = { signal: 'SIGHUP', container: 'registry' };
  assert.deepEqual(read({ reload })?.reload, reload);
});

for (const [what, change] of [
  ['another version', { version: 2 }],
  ['the name of another file', { id: hostCertificateId('app1', 'other.internal') }],
  ['a folder above', { folder: '/etc/registry/../cron.d' }],
  ['a folder of the system', { folder: '/usr/lib/x' }],
  ['a folder of Seawall', { folder: '/etc/seawall' }],
  ['a folder of services', { folder: `${OWN}/_service.a.b` }],
  ['a folder that is not absolute', { folder: 'tls' }],
  ['a folder that Docker would read as more than one', { folder: '/etc/tls:/host' }],
  ['a file in another folder', { files: { ...files, key: '../x.key' } }],
  ['a file that a program of the system would read', { files: { ...files, key: 'passwd' } }],
  ['a file that is hidden', { files: { ...files, key: '.x.key' } }],
  ['two files of one name', { files: { ...files, key: files.certificate } }],
  ['an owner that is no number', { uid: '0' }],
  ['no owner', { gid: -1 }],
  ['a signal that ends programs', { reload: { signal: 'SIGKILL' } }],
  ['a restart of all that mount it', { reload: { signal: 'restart' } }],
  ['a container that is an option', { reload: { signal: 'SIGHUP', container: '--all' } }],
  ['a container that is a path', { reload: { signal: 'SIGHUP', container: '../images' } }],
] as const) {
  test(`${what} is not taken`, () => assert.equal(read(change), undefined));
}

test('what is no JSON, or no object, is not taken', () => {
  for (const text of ['', '{', 'null', '"x"', '[]']) assert.equal(parseKept(id, text, OWN), undefined);
});

test("a service's certificate lies in its own folder and nowhere else", () => {
  const service = serviceCertificateId('polls', 'api');
  const own = { id: service, files: SERVICE_FILES };
  assert.ok(read({ ...own, folder: `${OWN}/${service}` }, service));
  assert.equal(read({ ...own, folder: '/etc/registry/tls' }, service), undefined);
  assert.equal(read({ ...own, folder: `${OWN}/_service.polls.db` }, service), undefined);
});

test('folders that are nobody else’s are free', () => {
  for (const folder of [
    '/etc/registry/tls',
    '/srv/registry',
    '/opt/x/y z'.replace(' ', '-'),
    '/etc/docker/x',
  ])
    assert.equal(folderFault(folder), undefined, folder);
  for (const folder of [
    '/',
    '/etc',
    '/proc/1',
    '/dev/shm',
    '/a/./b',
    '/a//b',
    '/a/',
    '/a\nb',
    '/a b',
    '/$(x),y',
  ])
    assert.equal(typeof folderFault(folder), 'string', folder);
});
