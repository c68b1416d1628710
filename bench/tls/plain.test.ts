import assert from 'node:assert/strict';
import { test } from 'node:test';
import { domainsOf, plainNginx } from './plain.ts';

test('the plain nginx has the domains and files that a configuration names, and reads back as such', () => {
  const domains = ['a', 'b'].map((name) => ({
    name: `${name}.example.net`,
    certificate: `/certs/${name}/1.crt`,
    key: `/certs/${name}/1.key`,
  }));
  const text = plainNginx({ domains, upstreams: ['10.0.0.1:80'], port: 8443, folder: '/b' });
  assert.deepEqual(domainsOf(text), domains);
});
