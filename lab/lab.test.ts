import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bridgeName, hostNames, labPrefix, machineAddress, renderSshConfig, stateFolder } from './lab.ts';

test('a bridge has a name that an interface may have, and each lab another', () => {
  const names = ['default', 'a-lab-with-quite-a-long-name-31c'].map(bridgeName);
  for (const name of names) assert.match(name, /^[a-z0-9-]{1,15}$/);
  assert.equal(new Set(names).size, 2);
});

test('the default lab keeps its state directly in the folder, another one beneath it', () => {
  assert.equal(stateFolder('/x/.lab', 'default'), '/x/.lab');
  assert.equal(stateFolder('/x/.lab', 'demo'), '/x/.lab/demo');
  assert.equal(labPrefix('demo'), 'seawall-lab-demo');
});

test('machines keep their addresses however many there are', () => {
  const ranges = { subnet: '10.99.4.0/24', subnet6: 'fd5e:a3a1:9904::/64' };
  assert.deepEqual(hostNames(2), ['host1', 'host2']);
  assert.deepEqual(machineAddress(ranges, 'host2'), { address: '10.99.4.12', address6: 'fd5e:a3a1:9904::c' });
  assert.deepEqual(machineAddress(ranges, 'foreign'), {
    address: '10.99.4.9',
    address6: 'fd5e:a3a1:9904::9',
  });
  assert.deepEqual(machineAddress({ subnet: '10.99.4.0/24' }, 'host1'), { address: '10.99.4.11' });
});

test('the ssh configuration checks the host key and offers one key only', () => {
  const host = { name: 'host1', role: 'host', address: '10.99.0.11', user: 'root', port: 22 } as const;
  const text = renderSshConfig([{ ...host, key: '/my labs/key', container: 'c' }], '/my labs/known_hosts');
  assert.equal(
    text,
    `Host host1
  HostName 10.99.0.11
  Port 22
  User root
  IdentityFile "/my labs/key"
  IdentitiesOnly yes
  UserKnownHostsFile "/my labs/known_hosts"
  GlobalKnownHostsFile none
  StrictHostKeyChecking yes
  PreferredAuthentications publickey
  ConnectTimeout 10
`,
  );
});
