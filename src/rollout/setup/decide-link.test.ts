import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decideLink, type LinkQuestion, obviousLink } from './decide-link.ts';

const close = [
  { name: 'app1', address: '172.16.0.11' },
  { name: 'app2', address: '100.64.0.12' },
];
const open = [...close, { name: 'app3', address: '203.0.113.7' }];
const all = (support: 'kernel' | 'user space' | 'none') => ({ app1: support, app2: support });

test('a single host has no link, also with a public address', () => {
  assert.equal(obviousLink({ wish: 'auto', hosts: open.slice(2) }), 'none');
});

test('a second host cannot do without a link, whatever the first setup said', () => {
  assert.equal(decideLink({ wish: 'none', hosts: close }, all('user space')), 'vxlan');
});

test('by itself a new cluster is encrypted where every kernel can, or where an address is public', () => {
  const auto: LinkQuestion = { wish: 'auto', hosts: close };
  assert.equal(obviousLink(auto), undefined, 'the kernels are looked at');
  assert.equal(decideLink(auto, all('kernel')), 'wireguard');
  assert.equal(decideLink(auto, { app1: 'kernel', app2: 'user space' }), 'vxlan');
  assert.equal(decideLink({ ...auto, hosts: open }, all('user space')), 'wireguard');
  assert.throws(() => decideLink({ ...auto, hosts: open }, { app1: 'kernel', app2: 'none' }), {
    code: 'refused',
    where: 'app2',
  });
});

test('a cluster keeps its link until somebody asks for another, or a public address joins', () => {
  assert.equal(obviousLink({ wish: 'auto', hosts: close, former: 'vxlan' }), 'vxlan');
  assert.equal(
    decideLink({ wish: 'auto', hosts: close, former: 'wireguard' }, all('user space')),
    'wireguard',
  );
  assert.equal(decideLink({ wish: 'auto', hosts: open, former: 'vxlan' }, all('user space')), 'wireguard');
  assert.equal(
    decideLink({ wish: 'wireguard', hosts: close, former: 'vxlan' }, all('user space')),
    'wireguard',
  );
  assert.equal(obviousLink({ wish: 'vxlan', hosts: close, former: 'wireguard' }), 'vxlan');
});

test('nothing goes unencrypted over a public address, whoever asks for it', () => {
  for (const former of [undefined, 'vxlan', 'wireguard'] as const) {
    assert.throws(() => decideLink({ wish: 'vxlan', hosts: open, former }, all('kernel')), {
      code: 'refused',
      message: /203\.0\.113\.7 of app3/,
    });
  }
});
