import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClusterFile } from '../../../src/cluster.ts';
import { until } from '../../until.ts';
import { mustOnHost } from './host.ts';
import { TlsStage } from './stage.ts';
import { rootsOf, shownEverywhere } from './trust.ts';
import { shown } from './visitor.ts';

const stage = await TlsStage.open('metrics');
const good = stage.domain('measured');
const lost = stage.domain('nowhere');
const routes = { [good]: {}, [lost]: {} };
const home = stage.address('host1');
const metrics = { listen: ['127.0.0.1:9464', `${home}:9464`], from: [stage.address('host3')] };
const site = stage.project({ name: 'measured', routes, metrics });
await stage.resolve([good]);

/** What `curl` on a host gets of an address, and how it ended: 7 nobody listens (or cut off at once), 28 no answer, 52 and 56 cut off. */
const curl = (host: string, address: string, more = '') =>
  stage.onHost(host, `curl --silent --show-error --max-time 10 ${more} http://${address}:9464/metrics`);

/** A scrape from the host itself. */
async function scrape(host: string): Promise<string> {
  const { code, stdout, stderr } = await curl(host, '127.0.0.1', '--fail');
  assert.equal(code, 0, `${host}: ${stderr}`);
  return stdout;
}

/** The value of a sample by the text before it; undefined where there is none. */
function valueIn(text: string, series: string): number | undefined {
  const line = text.split('\n').find((one) => one.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}

const certificate = (name: string, id: string): string => `seawall_certificate_${name}{certificate="${id}"}`;

test('a deploy with metrics: in seawall.yml says what it changes, and changes nothing the second time', async () => {
  const plan = await site.expect(0, ['plan']);
  // Of a cluster that is made here, or whose agent is another version's, only that is said.
  assert.match(plan.stdout, /metrics\.listen: nowhere → 127\.0\.0\.1:9464|set up Seawall|up to this version/);
  await site.deploy();
  assert.match((await site.expect(0, ['plan', '--exit-code'])).stdout, /No change/);
});

test('every host gives metrics to itself, and the program that does has no Docker socket', async () => {
  for (const host of ['host1', 'host2', 'host3']) {
    const text = await until(`metrics on ${host}`, 60, async () => {
      const { stdout } = await curl(host, '127.0.0.1', '--fail');
      return stdout.includes('seawall_host_up') && stdout;
    });
    assert.equal(valueIn(text, 'seawall_catalog_up'), 1);
    for (const other of ['host1', 'host2', 'host3'])
      assert.equal(valueIn(text, `seawall_host_up{host="${other}"}`), 1, `${other}, as ${host} says`);
  }
  const listening = await mustOnHost(stage.lab, 'host1', 'ss -ltnpH "sport = :9464"');
  const places = listening
    .trim()
    .split('\n')
    .map((line) => line.split(/\s+/)[3]);
  assert.deepEqual(places.sort(), [`${home}:9464`, '127.0.0.1:9464'].sort());
  const pid = /pid=(\d+)/.exec(listening)?.[1];
  const server = await mustOnHost(stage.lab, 'host1', 'docker top seawall-server -o pid');
  assert.ok(server.split(/\s+/).includes(pid ?? ''), `${pid} is none of ${server}`);
  const mounts = await mustOnHost(stage.lab, 'host1', "docker inspect -f '{{json .Mounts}}' seawall-server");
  assert.doesNotMatch(mounts, /docker\.sock/);
});

test('from outside only who is named gets an answer; everybody else is cut off or finds nobody', async () => {
  const named = await curl('host3', home, '--fail');
  assert.equal(named.code, 0, named.stderr);
  assert.equal(valueIn(named.stdout, 'seawall_catalog_up'), 1);
  for (const stranger of ['foreign', 'host2']) {
    const { code, stdout } = await curl(stranger, home);
    // Nobody there; cut off before, while or after it asked (curl(1), EXIT CODES).
    assert.ok([7, 52, 55, 56].includes(code), `${stranger} ended with ${code}`);
    assert.equal(stdout, '');
  }
  for (const host of ['host2', 'host3'])
    assert.equal((await curl('foreign', stage.address(host))).code, 7, `${host} listens for nobody outside`);
});

test('there is nothing but GET of /metrics', async () => {
  const status = async (more: string): Promise<string> =>
    (await curl('host1', '127.0.0.1', `--output /dev/null --write-out '%{http_code}' ${more}`)).stdout;
  assert.equal(await status('--request POST'), '405');
  assert.equal(await status('--request-target /v1/kv/seawall?recurse'), '404');
  assert.equal(await status("--header 'accept: application/openmetrics-text'"), '200');
  const open = await curl('host1', '127.0.0.1', "--header 'accept: application/openmetrics-text'");
  assert.match(open.stdout, /\n# EOF\n$/);
});

test('the end of a certificate is that of the one which every edge shows', async () => {
  const roots = await rootsOf(stage, site);
  await until('the issuer serves', 180, async () => {
    return (await shownEverywhere(stage.edges, good, roots))?.by === 'acme';
  });
  const ends = new Set<number>();
  for (const edge of stage.edges) ends.add((await shown(edge, good, roots.acme)).notAfter.getTime() / 1000);
  assert.equal(ends.size, 1);
  for (const host of ['host1', 'host2', 'host3']) {
    const text = await until(`${host} has heard of it`, 60, async () => {
      const seen = await scrape(host);
      const isWhole = valueIn(seen, certificate('missing_edges', good)) === 0;
      return valueIn(seen, certificate('interim', good)) === 0 && isWhole && seen;
    });
    assert.ok(ends.has(valueIn(text, certificate('not_after_timestamp_seconds', good)) ?? 0));
    assert.equal(valueIn(text, certificate('failures', good)), 0);
    const renewal = valueIn(text, certificate('renewal_timestamp_seconds', good)) ?? 0;
    assert.ok(renewal > Date.now() / 1000 && renewal < Math.max(...ends), `${renewal}`);
  }
});

test('an order that fails shows: failures, when, whose, and that the private CA stands in', async (t) => {
  const text = await until('the failure is heard', 180, async () => {
    const seen = await scrape('host1');
    return (valueIn(seen, certificate('failures', lost)) ?? 0) > 0 && seen;
  });
  assert.equal(valueIn(text, certificate('interim', lost)), 1);
  const failed = text.split('\n').filter((line) => line.includes('last_error') && line.includes(lost));
  assert.equal(failed.length, 1, failed.join('\n'));
  assert.ok((valueIn(text, certificate('next_try_timestamp_seconds', lost)) ?? 0) > 0);
  t.diagnostic(
    text
      .split('\n')
      .filter((line) => line.includes(lost))
      .join('\n'),
  );
});

test('edges, replicas, hosts and the private CA stand there, and nothing secret', async () => {
  const text = await until('a sign of life with the edge', 90, async () => {
    const seen = await scrape('host3');
    const isWhole = ['host1', 'host3'].every(
      (edge) => valueIn(seen, `seawall_edge_old_workers{edge="${edge}"}`) !== undefined,
    );
    return isWhole && /^seawall_host_clock_offset_seconds/m.test(seen) && seen;
  });
  for (const edge of ['host1', 'host3']) {
    assert.equal(valueIn(text, `seawall_edge_up{edge="${edge}"}`), 1);
    assert.ok((valueIn(text, `seawall_edge_generation{edge="${edge}"}`) ?? 0) > 0);
    assert.equal(valueIn(text, `seawall_edge_routes_in_force{edge="${edge}",project="measured"}`), 1);
  }
  assert.match(text, /^seawall_metrics_part_up\{part="releases"\} 1$/m);
  assert.doesNotMatch(text, /^seawall_metrics_part_up\{.*\} 0$/m);
  const replicas = 'seawall_service_replicas{project="measured",service="web",state="healthy"}';
  const wanted = 'seawall_service_replicas_wanted{project="measured",service="web"}';
  assert.ok((valueIn(text, replicas) ?? 0) > 0);
  assert.equal(valueIn(text, replicas), valueIn(text, wanted));
  assert.match(text, /^seawall_certificates_leader\{host="host[13]"\} 1$/m);
  assert.match(text, /^seawall_ca_not_after_timestamp_seconds\{level="intermediate"\} \d/m);
  assert.match(text, /^seawall_catalog_snapshot_timestamp_seconds\{host="host3"\} \d/m);
  const offset = Number(/^seawall_host_clock_offset_seconds\{host="host1"\} (\S+)$/m.exec(text)?.[1] ?? 0);
  assert.ok(Math.abs(offset) < 5, `the hosts here share one clock: ${offset}`);
  const file = JSON.parse(
    await mustOnHost(stage.lab, 'host1', 'cat /etc/seawall/cluster.json'),
  ) as ClusterFile;
  for (const secret of [file.key, file.catalog.token, 'BEGIN', 'sw1.']) assert.ok(!text.includes(secret));
});

test('seawall metrics prints the same from the operator, and --json for programs', async () => {
  const { stdout } = await site.expect(0, ['metrics']);
  const text = await scrape('host1');
  for (const name of ['not_after_timestamp_seconds', 'interim', 'failures'])
    assert.equal(valueIn(stdout, certificate(name, good)), valueIn(text, certificate(name, good)), name);
  const json = await site.json<{ name: string; samples: { labels: object; value: number }[] }[]>(['metrics']);
  const up = json.find(({ name }) => name === 'seawall_host_up');
  assert.deepEqual(
    up?.samples.map(({ value }) => value),
    [1, 1, 1],
  );
});

test('while the catalog is away a scrape says so and invents nothing; then it fills again', async () => {
  // Another test may have moved it.
  const catalog = /^seawall_catalog_info\{host="([^"]+)"/m.exec(await scrape('host1'))?.[1] ?? '';
  const other = catalog === 'host3' ? 'host1' : 'host3';
  await mustOnHost(stage.lab, catalog, 'docker stop seawall-server');
  try {
    const away = await until(`${other} has noticed that ${catalog} is away`, 90, async () => {
      const text = await scrape(other);
      return valueIn(text, 'seawall_catalog_up') === 0 && text;
    });
    assert.doesNotMatch(away, /^seawall_(certificate|host|edge|service|ca)_/m);
    assert.match(away, /^seawall_build_info\{/m);
  } finally {
    await mustOnHost(stage.lab, catalog, 'docker start seawall-server');
  }
  await until('it fills again', 120, async () => {
    const text = await scrape(other);
    return valueIn(text, certificate('interim', good)) === 0;
  });
});

test('a host whose agent is silent is told by the others', async () => {
  const before = valueIn(await scrape('host3'), 'seawall_host_last_seen_timestamp_seconds{host="host2"}');
  assert.ok(before !== undefined && before > 0);
  await mustOnHost(stage.lab, 'host2', 'docker stop seawall-agent');
  try {
    const text = await until('host2 is silent', 120, async () => {
      const seen = await scrape('host3');
      return valueIn(seen, 'seawall_host_up{host="host2"}') === 0 && seen;
    });
    const last = valueIn(text, 'seawall_host_last_seen_timestamp_seconds{host="host2"}');
    assert.ok(last !== undefined && last >= before);
    const lostReplicas = 'seawall_service_replicas{project="measured",service="web",state="lost"}';
    assert.ok((valueIn(text, lostReplicas) ?? 0) > 0);
  } finally {
    await mustOnHost(stage.lab, 'host2', 'docker start seawall-agent');
  }
  await until('host2 is back', 120, async () => {
    return valueIn(await scrape('host3'), 'seawall_host_up{host="host2"}') === 1;
  });
});

test('of a project that was taken down nothing is wanted any more', async () => {
  await site.expect(0, ['down', '--yes']);
  await until('host3 has heard of it', 60, async () => {
    const text = await scrape('host3');
    return (
      valueIn(text, 'seawall_catalog_up') === 1 && !/^seawall_(service|release)_.*"measured"/m.test(text)
    );
  });
});

test('without metrics: in seawall.yml nothing listens any more', async () => {
  site.use({ routes });
  const plan = await site.expect(0, ['plan']);
  assert.match(plan.stdout, /metrics\.listen: .*9464.* → nowhere/, plan.stdout);
  await site.deploy();
  for (const host of ['host1', 'host2', 'host3'])
    await until(`nothing on ${host}`, 60, async () => (await curl(host, '127.0.0.1')).code === 7);
});
