import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertGolden } from '../../test/golden-file.ts';
import { HOSTILE, NOW, own, view } from '../../test/metrics-samples.ts';
import type { MetricName } from './definitions.ts';
import { METRICS } from './definitions.ts';
import { describeMetrics } from './describe.ts';
import { samplesOf } from './samples.ts';
import { formatFor, metricsText } from './text.ts';

const samples = samplesOf(view, own, NOW);

const valueIn = (name: MetricName, labels: Readonly<Record<string, string>>): number | undefined =>
  samples.find(
    (one) => one.name === name && Object.entries(labels).every(([label, text]) => one.labels[label] === text),
  )?.value;

test('a cluster in which much is wrong, as Prometheus reads it', async () => {
  const { contentType, text } = await metricsText(samples, 'prometheus');
  assert.equal(contentType, 'text/plain; version=0.0.4; charset=utf-8');
  assertGolden('metrics/cluster.prom', text);
});

test('the same as OpenMetrics ends with its mark, and a counter has its suffix once', async () => {
  const { contentType, text } = await metricsText(samples, 'openmetrics');
  assert.match(contentType, /^application\/openmetrics-text; version=1\.0\.0/);
  assert.ok(text.endsWith('\n# EOF\n'));
  assert.equal(text.split('# EOF').length, 2);
  assert.match(text, /^# TYPE seawall_edge_cut_sockets counter$/m);
  assert.match(text, /^seawall_edge_cut_sockets_total\{edge="front"\} 5$/m);
});

test('every metric that is documented has a sample in it', () => {
  const seen = new Set(samples.map(({ name }) => name));
  assert.deepEqual(
    Object.keys(METRICS).filter((name) => !seen.has(name as MetricName)),
    [],
  );
});

test('an expired certificate, a failing order and one that stands in are told', () => {
  const over = { certificate: 'over.example.com' };
  assert.ok((valueIn('seawall_certificate_not_after_timestamp_seconds', over) ?? 0) < NOW / 1000);
  assert.equal(valueIn('seawall_certificate_failures', over), 7);
  assert.equal(
    valueIn('seawall_certificate_last_error_timestamp_seconds', { ...over, issuer: 'letsencrypt' }),
    NOW / 1000 - 43_200,
  );
  assert.equal(valueIn('seawall_certificate_interim', { certificate: 'new.example.com' }), 1);
  assert.equal(valueIn('seawall_certificate_failures', { certificate: 'well.example.com' }), 0);
  assert.equal(
    valueIn('seawall_certificate_last_error_timestamp_seconds', { certificate: 'well.example.com' }),
    undefined,
  );
});

test('a certificate that no edge can serve yet has no times, and one by hand is missing nowhere', () => {
  assert.equal(valueIn('seawall_certificate_served', { certificate: HOSTILE }), 0);
  assert.equal(
    valueIn('seawall_certificate_not_after_timestamp_seconds', { certificate: HOSTILE }),
    undefined,
  );
  assert.equal(valueIn('seawall_certificate_missing_edges', { certificate: 'mail.example.com' }), undefined);
  // back does not say what it serves; front has it.
  assert.equal(valueIn('seawall_certificate_missing_edges', { certificate: 'well.example.com' }), 1);
});

test('what a service serves with is missing on hosts that keep another one, or whose containers did not read it, and on no edge', () => {
  const certificate = 'api.shop.internal';
  assert.equal(valueIn('seawall_certificate_missing_hosts', { certificate }), 2);
  assert.equal(valueIn('seawall_certificate_missing_edges', { certificate }), undefined);
  assert.equal(valueIn('seawall_certificate_missing_hosts', { certificate: 'well.example.com' }), undefined);
});

test('of what the private CA issued only what ends soon has a sample, and only the last of several', () => {
  const ends = samples.filter(({ name }) => name === 'seawall_ca_issued_not_after_timestamp_seconds');
  assert.deepEqual(
    ends.map(({ labels }) => [labels.serial, labels.name, labels.purpose]),
    [
      ['02', 'db.internal', 'other'],
      ['04', 'ann@example.com', 'client'],
    ],
  );
});

test('a replica on a host without a sign of life is lost, and of two ports of a container the worse counts', () => {
  const count = (project: string, service: string, state: string) =>
    valueIn('seawall_service_replicas', { project, service, state });
  assert.deepEqual(
    ['healthy', 'unhealthy', 'draining', 'lost'].map((state) => count('shop', 'web', state)),
    [2, 1, 1, 1],
  );
  assert.equal(count('shop', 'worker', 'healthy'), 0);
  assert.equal(valueIn('seawall_service_replicas_wanted', { project: 'shop', service: 'worker' }), 1);
  assert.deepEqual([count('', HOSTILE, 'healthy'), count('', HOSTILE, 'unhealthy')], [0, 1]);
});

test('of a project that was taken down nothing is wanted, though its releases can be returned to', () => {
  assert.deepEqual(
    samples.filter(({ labels }) => labels.project === 'gone'),
    [],
  );
  const running = samples.filter(({ name }) => name === 'seawall_rollout_running');
  assert.deepEqual(
    running.map(({ labels, value }) => [labels.project, value]),
    [
      ['blog', 1],
      ['shop', 0],
    ],
  );
});

test('hostile names stay inside their quotes', async () => {
  for (const format of ['prometheus', 'openmetrics'] as const) {
    const { text } = await metricsText(samples, format);
    const line = /^(?:# .*|[a-z_]+(?:\{(?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)*\})? -?[0-9.e+]+|)$/;
    assert.deepEqual(
      text.split('\n').filter((one) => !line.test(one)),
      [],
    );
    assert.equal(text.split('\n').filter((one) => one.startsWith('seawall_catalog_up')).length, 1);
  }
});

test('while the catalog is away nothing of the cluster is said, only that it is away', () => {
  const away = samplesOf(view, { ...own, isCatalogUp: false }, NOW);
  assert.deepEqual([...new Set(away.map(({ name }) => name))].sort(), [
    'seawall_build_info',
    'seawall_catalog_info',
    'seawall_catalog_snapshot_index',
    'seawall_catalog_snapshot_timestamp_seconds',
    'seawall_catalog_up',
    'seawall_server_problem',
  ]);
  assert.equal(away.find(({ name }) => name === 'seawall_catalog_up')?.value, 0);
});

test('before anything was heard there is no sample of it, and a part alone is no failure', () => {
  const bare = { version: '0.1.0', node: '24.0.0', isCatalogUp: true };
  assert.deepEqual(
    samplesOf({}, bare, NOW).map(({ name }) => name),
    ['seawall_build_info', 'seawall_catalog_up'],
  );
  for (const [part, value] of Object.entries(view)) samplesOf({ [part]: value }, bare, NOW);
  for (const part of Object.keys(view)) samplesOf({ ...view, [part]: undefined } as typeof view, bare, NOW);
});

test('for programs the same values stand with name, type and help', () => {
  const described = describeMetrics(samples);
  assert.equal(
    described.reduce((sum, one) => sum + one.samples.length, 0),
    samples.length,
  );
  assert.deepEqual(
    described.find(({ name }) => name === 'seawall_edge_cut_sockets_total'),
    {
      name: 'seawall_edge_cut_sockets_total',
      type: 'counter',
      help: METRICS.seawall_edge_cut_sockets_total.help,
      samples: [{ labels: { edge: 'front' }, value: 5 }],
    },
  );
});

test('OpenMetrics is given to who names it, at least as gladly as text', () => {
  assert.equal(formatFor(undefined), 'prometheus');
  assert.equal(formatFor('*/*'), 'prometheus');
  // Prometheus 2.x and 3.x.
  assert.equal(
    formatFor('application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1'),
    'openmetrics',
  );
  assert.equal(formatFor('application/openmetrics-text;q=0.1, text/plain'), 'prometheus');
  assert.equal(formatFor('application/openmetrics-text;q=0'), 'prometheus');
  assert.equal(formatFor('q=,;;=\u0000'), 'prometheus');
});
