import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nextSteps, overrideSettings } from './demo-text.ts';

const place = { example: '/repo/examples/polls', state: '/repo/.demo' };

test('where nothing is special, the example is deployed as it is', () => {
  assert.deepEqual(overrideSettings({ ...place, httpPort: 80 }), {});
});

test('busy ports change those of the edge and nothing else', () => {
  assert.deepEqual(overrideSettings({ ...place, httpPort: 8080 }), { edge: { http_port: 8080 } });
  const both = overrideSettings({ ...place, httpPort: 8080, httpsPort: 8443 });
  assert.deepEqual(both, { edge: { http_port: 8080, https_port: 8443 } });
});

test('what builds need on a machine without registries is laid over the example, replicas included', () => {
  const composeOverride = '/repo/lab/overrides/build.yaml';
  assert.deepEqual(overrideSettings({ ...place, composeOverride, buildNetwork: 'host' }), {
    compose: [
      '../examples/polls/compose.yaml',
      '../examples/polls/compose.replicas.yaml',
      '../lab/overrides/build.yaml',
    ],
    agent: { build_network: 'host' },
  });
});

test('the first host of a lab is the edge, and a browser reaches it by its address', () => {
  const hosts = [
    { name: 'host1', address: '10.99.0.11' },
    { name: 'host2', address: '10.99.0.12' },
  ];
  assert.deepEqual(overrideSettings({ ...place, lab: { sshConfig: '/repo/.demo/lab/ssh_config', hosts } }), {
    ssh_config: 'lab/ssh_config',
    hosts: {
      host1: { ssh: 'host1', address: '10.99.0.11', roles: ['edge'] },
      host2: { ssh: 'host2', address: '10.99.0.12', roles: ['app'] },
    },
    routes: { '10.99.0.11': { service: 'web', port: 8000, tls: 'off' } },
  });
});

test('the printed commands name the files of this demo and remove this demo', () => {
  const files = ['examples/polls/seawall.yml', '.demo/lab.yml'];
  const text = nextSteps({ address: 'http://10.99.0.11', files, hosts: 3 });
  assert.match(text, /export SEAWALL_FILE=examples\/polls\/seawall\.yml:\.demo\/lab\.yml\n/);
  assert.match(text, /npm run demo -- --hosts 3 --down\n$/);
});
