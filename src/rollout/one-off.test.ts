import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Desired, DesiredService } from '../compose/desired.ts';
import { withServiceOf } from './one-off.ts';

const rule: DesiredService['update'] = {
  ...{ parallelism: 1, delayMs: 0, monitorMs: 0, maxFailureRatio: 0 },
  ...{ order: 'start-first', failureAction: 'rollback' },
};

const service = (name: string, more: Partial<DesiredService> = {}): DesiredService => ({
  ...{
    name,
    image: `${name}:1`,
    pull: 'missing',
    kind: 'replica',
    replicas: 1,
    container: { HostConfig: {} },
  },
  ...{ health: { kind: 'running' }, mounts: [], ports: [], networks: { default: { aliases: [] } } },
  ...{ dependsOn: {}, placement: { constraints: [], maxPerHost: 0 }, update: rule, rollback: rule },
  ...{ drainMs: 0, stopGraceMs: 0 },
  ...more,
});

const project = (services: readonly DesiredService[], more: Partial<Desired> = {}): Desired => ({
  ...{ project: 'shop', volumes: {}, routes: [], contents: {}, notices: [] },
  services: Object.fromEntries(services.map((each) => [each.name, each])),
  networks: { default: { name: 'default', internal: false } },
  ...more,
});

const content = (hash: string) => ({ hash, kind: 'file', text: hash, secret: false, bytes: 1 }) as const;
const needs = (required: boolean) => ({ condition: 'service_healthy', required, restart: false }) as const;

test('a service of an inactive profile runs beside what is deployed, not beside what the files say by now', () => {
  const release = project([service('web')], { contents: { a: content('a') } });
  const backup = service('backup', {
    mounts: [
      { kind: 'content', hash: 'b', target: '/etc/backup' },
      { kind: 'volume', volume: 'kept', target: '/kept', readOnly: false },
    ],
    networks: { tools: { aliases: [] } },
    dependsOn: { web: needs(true), cache: needs(false) },
  });
  const volume = { name: 'kept', dockerName: 'shop_kept', driver: 'local', external: false };
  const files = project([service('web', { image: 'web:2' }), backup], {
    contents: { b: content('b'), c: content('c') },
    volumes: { kept: { ...volume, driverOptions: {}, labels: {} } },
    networks: {
      default: { name: 'default', internal: true },
      tools: { name: 'tools', internal: false },
    },
  });
  const desired = withServiceOf(release, files, 'backup');
  assert.equal(desired.services.web?.image, 'web:1');
  assert.deepEqual(desired.services.backup, backup);
  assert.equal(desired.networks.default?.internal, false);
  assert.deepEqual(Object.keys(desired.networks).sort(), ['default', 'tools']);
  assert.deepEqual(Object.keys(desired.volumes), ['kept']);
  assert.deepEqual(Object.keys(desired.contents).sort(), ['a', 'b']);
  assert.deepEqual(release.services, { web: service('web') });
});

test('a service is not run without what it depends on, and the user is told what that is', () => {
  const tests = service('tests', { dependsOn: { web: needs(true), mail: needs(true) } });
  const files = project([service('web'), service('mail'), tests]);
  assert.throws(() => withServiceOf(project([service('web')]), files, 'tests'), {
    code: 'refused',
    message: 'tests depends on mail, which is not deployed',
    hint: /--profile/,
  });
});
