import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createArguments, type Machine } from './machines.ts';
import { foreignImage, hostImage } from './recipes.ts';

const machine: Machine = {
  lab: 'demo',
  stateDir: '/x/.lab/demo',
  name: 'host1',
  image: hostImage,
  container: 'seawall-lab-demo-host1',
  network: 'seawall-lab-demo',
  address: '10.99.0.11',
  neighbours: [{ name: 'host2', address: '10.99.0.12' }],
};

test('a host gets a disk, its fixed address, the names of its neighbours and the privileges', () => {
  const text = createArguments(machine, ['--privileged']).join(' ');
  assert.match(text, /--label seawall.lab=demo /);
  assert.match(text, /--ip 10.99.0.11 /);
  assert.match(text, /--add-host host2:10.99.0.12 /);
  assert.match(text, /--privileged .*--volume seawall-lab-demo-host1:\/var\/lib\/docker /);
  assert.ok(text.endsWith(hostImage));
});

test('the foreign machine gets neither a disk nor privileges', () => {
  const text = createArguments({ ...machine, image: foreignImage }, ['--privileged']).join(' ');
  assert.doesNotMatch(text, /--privileged|--volume/);
});
