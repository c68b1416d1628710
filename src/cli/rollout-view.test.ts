import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FACTS, NOW } from '../../test/certificate-samples.ts';
import { assertGolden } from '../../test/golden-file.ts';
import type { Change } from '../plan/index.ts';
import { certificateStatuses } from '../rollout/certificates/status.ts';
import type { RolloutResult } from '../rollout/index.ts';
import { viewResult } from './rollout-view.ts';

const replace: Change = {
  ...{
    kind: 'replace-replica',
    path: 'services.web.replicas.1',
    host: 'app1',
    from: 'polls-web-1-a on app1',
    to: 'web-1 on app1',
  },
  why: ['image: a → b'],
};
const start: Change = { ...replace, kind: 'start-replica', from: null };

const base: RolloutResult = {
  project: 'polls',
  outcome: 'done',
  release: 12,
  plan: { project: 'polls', changes: [replace], steps: [], obstacles: [] },
  durationMs: 41_200,
  urls: ['http://polls.localhost/'],
  notices: [],
  tasksSince: [],
};

const traffic = {
  ...{
    requests: 12_481,
    failed: 0,
    away: 0,
    p99Ms: 41.2,
    drainedReplicas: 3,
    longestDrainMs: 2100,
    socketsCut: 0,
  },
  missing: [],
};

const failure = {
  ...{ service: 'web', host: 'app1', container: 'polls-web-1-k3x9', what: 'not healthy within 60 s' },
  lastProbe: 'GET http://10.208.17.2:8000/ answered 500: <!doctype html><title>Server Error (500)</title>',
  log: [
    '[INFO] Booting worker',
    'django.db.utils.OperationalError: \u001b[31mcould not translate host name "dbb"\u001b[0m',
  ],
  likelyCause: 'it cannot find the host "dbb"',
  nextCommand: 'seawall logs web --since 5m',
  schemaMayHaveChanged: false,
};

const interruption = {
  ...{ service: '', host: '', container: '', what: 'interrupted', log: [] },
  ...{ nextCommand: 'seawall deploy --yes', schemaMayHaveChanged: false },
};

const results: Record<string, RolloutResult> = {
  'first-deploy': { ...base, release: 1, plan: { ...base.plan, changes: [start] } },
  'new-version': { ...base, traffic },
  unchanged: { ...base, outcome: 'unchanged', plan: { ...base.plan, changes: [] }, durationMs: 600 },
  'lost-requests': { ...base, traffic: { ...traffic, failed: 17, away: 14, missing: ['edge2'] } },
  'quiet-rollout': { ...base, traffic: { ...traffic, requests: 0, drainedReplicas: 1 } },
  reverted: { ...base, outcome: 'reverted', release: 11, failure, traffic },
  'task-failed': {
    ...base,
    outcome: 'reverted',
    release: 11,
    failure: {
      ...failure,
      service: 'migrate',
      container: 'polls-migrate-1-a1b2',
      what: 'exited with code 1',
      log: [],
      schemaMayHaveChanged: true,
    },
  },
  mixed: { ...base, outcome: 'mixed', failure },
  interrupted: { ...base, outcome: 'reverted', release: 11, failure: interruption, traffic },
  'interrupted-mixed': {
    ...base,
    outcome: 'mixed',
    failure: interruption,
    notices: ['the way back failed: app1 does not answer'],
  },
  paused: { ...base, outcome: 'mixed', onPurpose: 'pause', failure },
  continued: { ...base, outcome: 'mixed', onPurpose: 'continue', failure },
  'rolled-back-over-task': {
    ...base,
    tasksSince: [
      ...[12, 13, 15].map((release) => ({ task: 'migrate', release })),
      { task: 'index', release: 15 },
    ],
    notices: ['release 9 and its images were removed'],
  },
};

const statuses = certificateStatuses(FACTS, NOW);
const certificate = (domain: string, id = domain) => {
  const found = statuses.find((each) => each.id === id);
  assert.ok(found);
  return { domain, certificate: found };
};

const { release: _none, ...first } = base;
results['interrupted-first'] = { ...first, outcome: 'reverted', failure: interruption, urls: [] };
results.https = {
  ...base,
  urls: [
    'https://a.example.com/',
    'https://elsewhere.example.com:8443/',
    'https://failing.example.com/',
    'https://failing.example.com/api',
    'https://given.example.com/',
    'https://inner.internal/',
    'https://new.example.com/',
    'http://plain.example.com/',
    'https://well.example.com/',
  ],
  certificates: [
    certificate('a.example.com', '_wildcard.example.com'),
    ...['elsewhere', 'failing', 'given', 'new', 'well'].map((name) => certificate(`${name}.example.com`)),
    certificate('inner.internal'),
  ],
  edgeGapsMs: { front: 1234 },
};

for (const [name, result] of Object.entries(results)) {
  test(`a result is shown as in test/golden/result/${name}.txt`, () => {
    assertGolden(`result/${name}.txt`, viewResult(result, { colour: false }));
  });
}
