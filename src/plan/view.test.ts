import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertGolden } from '../../test/golden-file.ts';
import type { Change, Plan } from './change.ts';
import { viewPlan } from './view.ts';

const plan = (changes: readonly Change[], obstacles: Plan['obstacles'] = []): Plan => ({
  project: 'polls',
  changes,
  steps: [],
  obstacles,
});

const replace = (service: string, replica: number, host: string, why: string[], away?: string): Change => ({
  kind: 'replace-replica',
  path: `services.${service}.replicas.${replica}`,
  host,
  from: `polls-${service}-${replica}-11 on ${host}`,
  to: `${service}-${replica} on ${host}`,
  why,
  ...(away === undefined ? {} : { away }),
});

const start = (service: string, replica: number, host: string, why: string): Change => ({
  kind: 'start-replica',
  path: `services.${service}.replicas.${replica}`,
  host,
  from: null,
  to: `${service}-${replica} on ${host}`,
  why: [why],
});

const stop = (service: string, replica: number, host: string, why: string): Change => ({
  kind: 'stop-replica',
  path: `services.${service}.replicas.${replica}`,
  host,
  from: `polls-${service}-${replica}-11 on ${host}`,
  to: null,
  why: [why],
});

const newImage = [
  'image: seawall/polls-web:3f2a → seawall/polls-web:9bc1',
  'environment.DEBUG: (a1b2c3) → (d4e5f6)',
];

const plans: Record<string, () => string> = {
  'no-change': () => viewPlan(plan([]), { colour: false }),
  'first-deploy': () =>
    viewPlan(
      plan([
        {
          kind: 'set-up-host',
          path: 'hosts.app1',
          host: 'app1',
          from: null,
          to: 'ready',
          why: ['start the agent', 'make the private network'],
        },
        {
          kind: 'build-image',
          path: 'services.web.build',
          from: null,
          to: 'seawall/polls-web:9bc1',
          why: ['no image of these sources exists yet'],
        },
        {
          kind: 'create-volume',
          path: 'volumes.db',
          host: 'app1',
          from: null,
          to: 'polls_db',
          why: ['new volume; it stays on this host, and its services with it'],
        },
        {
          kind: 'run-task',
          path: 'services.migrate',
          host: 'app1',
          from: null,
          to: 'migrate on app1',
          why: ['services that are renewed wait for its success'],
        },
        start('db', 1, 'app1', 'new service'),
        start('web', 1, 'app1', 'new service'),
        start('web', 2, 'app2', 'new service'),
        {
          kind: 'add-route',
          path: 'routes.polls.localhost/',
          from: null,
          to: 'polls-web:8000',
          why: ['new route'],
        },
      ]),
      {
        colour: false,
        notices: [
          {
            path: 'services.db.ports[0]',
            text: 'bound to 127.0.0.1; expose: in seawall.yml opens it',
            where: 'compose.yaml:12:9',
          },
        ],
      },
    ),
  'new-version': () =>
    viewPlan(
      plan([
        replace('web', 1, 'app1', newImage),
        replace('web', 3, 'app1', newImage),
        replace('web', 2, 'app2', newImage),
        start('web', 4, 'app2', 'replicas: 3 → 4'),
      ]),
      { colour: false },
    ),
  'stop-first': () =>
    viewPlan(
      plan([
        replace(
          'db',
          1,
          'app1',
          ['image: postgres:16 → postgres:17'],
          'stops before its successor starts, because it mounts a writable volume; away for about 5 s',
        ),
        replace('web', 1, 'app1', newImage),
      ]),
      { colour: false },
    ),
  moved: () =>
    viewPlan(
      plan([
        { ...replace('web', 1, 'app2', ['belongs on app2, runs on app1']), from: 'polls-web-1-11 on app1' },
      ]),
      { colour: false },
    ),
  'scale-down': () =>
    viewPlan(plan([7, 8].map((n) => stop('web', n, `app${n - 6}`, 'replicas: 6 are enough'))), {
      colour: false,
    }),
  'route-change': () =>
    viewPlan(
      plan([
        {
          kind: 'change-route',
          path: 'routes.polls.localhost/',
          from: 'polls-web:8000',
          to: 'polls-web:9000',
          why: ['port: 8000 → 9000'],
        },
        {
          kind: 'change-route',
          path: 'routes.polls.localhost/big',
          from: 'polls-web:8000',
          to: 'polls-web:8000',
          why: ['bodyLimitBytes: 1048576 → 0'],
        },
        {
          kind: 'remove-route',
          path: 'routes.old.localhost/',
          from: 'polls-web:8000',
          to: null,
          why: ['no longer in seawall.yml'],
        },
      ]),
      { colour: false },
    ),
  obstacle: () =>
    viewPlan(
      plan(
        [replace('web', 1, 'app1', newImage)],
        [
          {
            path: 'hosts.app2',
            message: 'does not answer: Connection timed out',
            remedy: 'Bring it back, or take it out of seawall.yml. Nothing was changed.',
          },
          {
            path: 'volumes.db',
            message: 'volume polls_db exists on app1 and app3: which one holds the data cannot be known',
            remedy: 'Look at both, then remove the one that is not needed (docker volume rm polls_db).',
          },
        ],
      ),
      { colour: false },
    ),
  mixed: () =>
    viewPlan(
      {
        ...plan([replace('web', 2, 'app2', newImage)]),
        mixed: {
          release: 12,
          problem: 'paused by the failure_action of web: polls-web-2-k3m9 on app2: it exited with code 1',
        },
      },
      { colour: false },
    ),
  'one-host-only': () =>
    viewPlan(plan([replace('web', 1, 'app1', newImage), replace('web', 2, 'app2', newImage)]), {
      colour: false,
      hosts: ['app2'],
    }),
};

for (const [name, view] of Object.entries(plans)) {
  test(`a plan is shown as in test/golden/plan/${name}.txt`, () => assertGolden(`plan/${name}.txt`, view()));
}

test('without colour a plan carries no escape sequences, with colour it does', () => {
  const some = plan([start('web', 1, 'app1', 'new service')]);
  assert.equal(viewPlan(some, { colour: false }).includes('\u001b'), false);
  assert.ok(viewPlan(some, { colour: true }).includes('\u001b[32m+'));
});
