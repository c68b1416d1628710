import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ContainerInfo } from '../hosts/index.ts';
import { readContainer } from './entries.ts';

const host = { name: 'app1', privateAddress: '10.208.0.1' };
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const read = (container: ContainerInfo) => readContainer(container, host, sha256);

/** What a real engine said of a container (`docker inspect`). */
function recorded(engine: string, name: string): ContainerInfo {
  const file = new URL(`../../test/golden/registrar/${engine}-${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')) as ContainerInfo;
}

type Change = Partial<Pick<ContainerInfo, 'Name'>> & {
  readonly image?: string;
  readonly env?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly ports?: ContainerInfo['NetworkSettings']['Ports'];
  readonly status?: ContainerInfo['State']['Status'];
  readonly health?: ContainerInfo['Config']['Healthcheck'];
};

function changed(
  from: ContainerInfo,
  { Name, image, env, labels, ports, status, health }: Change,
): ContainerInfo {
  return {
    ...from,
    Name: Name ?? from.Name,
    State: { ...from.State, Status: status ?? from.State.Status },
    Config: {
      ...from.Config,
      Image: image ?? from.Config.Image,
      Env: env ?? from.Config.Env ?? [],
      Labels: labels ?? from.Config.Labels ?? {},
      Healthcheck: health === undefined ? (from.Config.Healthcheck ?? null) : health,
    },
    NetworkSettings: { ...from.NetworkSettings, Ports: ports ?? from.NetworkSettings.Ports ?? {} },
  };
}

for (const engine of ['20.10', '28.5']) {
  test(`engine ${engine}: a replica is registered once, with its address in the first network of its names`, () => {
    const container = recorded(engine, 'polls-web-1');
    const { candidates, notes } = read(container);
    assert.deepEqual(notes, []);
    assert.equal(candidates.length, 1);
    const [entry] = candidates;
    assert.ok(entry);
    const networks = container.NetworkSettings.Networks;
    const address = networks['seawall.polls.default']?.IPAddress;
    assert.deepEqual(
      { ...entry, meta: undefined, check: undefined },
      {
        id: 'app1:polls-web-1:8000',
        service: 'polls-web',
        address,
        port: 8000,
        tags: [],
        meta: undefined,
        check: undefined,
      },
    );
    assert.deepEqual(entry.meta, {
      'seawall-project': 'polls',
      'seawall-service': 'web',
      'seawall-release': '3',
      'seawall-container': container.Id,
      'seawall-replica': '1',
      'seawall-addresses': JSON.stringify({
        default: address,
        back: networks['seawall.polls.back']?.IPAddress,
      }),
      'seawall-names': '{"default":["web"],"back":["web","shop"]}',
      'seawall-started': container.State.StartedAt,
    });
    assert.deepEqual(entry.check, { kind: 'docker', argv: ['/bin/sh', '-c', 'exit 0'], timeoutMs: 30_000 });
  });

  test(`engine ${engine}: nginx started by hand is registered as nginx with the host's address and published port`, () => {
    const container = recorded(engine, 'test-01');
    const { candidates } = read(container);
    const own = container.NetworkSettings.Networks.bridge?.IPAddress;
    assert.deepEqual(candidates, [
      {
        id: 'app1:test-01:80',
        service: 'nginx',
        address: '10.208.0.1',
        port: 8383,
        tags: [],
        meta: {
          'seawall-container': container.Id,
          'seawall-started': container.State.StartedAt,
          'seawall-probe': '{"kind":"tcp","port":8383}',
        },
        check: { kind: 'tcp', address: own, port: 80, intervalMs: 5000, timeoutMs: 5000 },
      },
    ]);
  });

  test(`engine ${engine}: several ports get names of their own, settings per port, and loopback stays private`, () => {
    const { candidates, notes } = read(recorded(engine, 'multi'));
    assert.deepEqual(
      candidates.map(({ id, service, port, tags }) => ({ id, service, port, tags })),
      [
        { id: 'app1:multi:53:udp', service: 'shop-53', port: 8003, tags: ['a', 'b,c', 'udp'] },
        { id: 'app1:multi:80', service: 'front', port: 8001, tags: ['a', 'b,c'] },
      ],
    );
    assert.deepEqual(notes, ['multi: port 81/tcp is published on loopback only and not registered']);
    const [udp, web] = candidates;
    assert.equal(udp?.meta.region, 'us');
    assert.equal(udp?.check.kind, 'running');
    assert.partialDeepStrictEqual(web?.check, {
      kind: 'http',
      path: '/ok',
      accept: 'consul',
      inARow: 1,
      intervalMs: 15_000,
    });
  });

  test(`engine ${engine}: a container between two starts keeps its entry, though Docker shows no port`, () => {
    const { candidates } = read(recorded(engine, 'crasher'));
    assert.deepEqual(
      candidates.map(({ id, port }) => [id, port]),
      [['app1:crasher:80', 8004]],
    );
  });
}

test('what is known of a check outlives the moment between two starts, in which a container has no address', () => {
  const between = recorded('28.5', 'crasher');
  const check = read(between).candidates[0]?.check;
  assert.partialDeepStrictEqual(check, { kind: 'tcp', address: '', port: 80 });
});

test('a container on the network of the host is registered and probed at the ports it exposes', () => {
  const bridged = recorded('28.5', 'test-01');
  const container = { ...bridged, HostConfig: { ...bridged.HostConfig, NetworkMode: 'host' } };
  const [entry] = read(container).candidates;
  assert.deepEqual([entry?.id, entry?.address, entry?.port], ['app1:test-01:80', '10.208.0.1', 80]);
  assert.partialDeepStrictEqual(entry?.check, { kind: 'tcp', address: '10.208.0.1', port: 80 });
});

const nginx = recorded('28.5', 'test-01');
const replica = recorded('28.5', 'polls-web-1');
const namesOf = (container: ContainerInfo) => read(container).candidates.map(({ service }) => service);

test('what does not run has no entry', () => {
  for (const status of ['created', 'exited', 'dead', 'removing'] as const) {
    assert.deepEqual(read(changed(nginx, { status })).candidates, []);
  }
});

test('tasks, one-offs and what Seawall itself is made of are not registered, whatever they publish', () => {
  for (const kind of ['task', 'oneoff', 'agent', 'server', 'edge']) {
    assert.deepEqual(
      namesOf(changed(nginx, { labels: { 'seawall.kind': kind, 'seawall.project': 'p' } })),
      [],
    );
  }
});

test('the image gives the name, without registry, tag and digest', () => {
  const digest = 'a'.repeat(64);
  for (const [image, service] of [
    ['nginx', 'nginx'],
    ['localhost:5000/team/shop:1.2', 'shop'],
    [`ghcr.io/team/shop@sha256:${digest}`, 'shop'],
    [`sha256:${digest}`, 'test-01'],
    ['6fd356be1cd9', 'test-01'],
  ] as const) {
    assert.deepEqual(namesOf(changed(nginx, { image })), [service]);
  }
});

test('SERVICE_IGNORE, whatever its value, keeps a container out; labels win over the environment', () => {
  assert.deepEqual(namesOf(changed(nginx, { env: ['SERVICE_IGNORE=false'] })), []);
  assert.deepEqual(namesOf(changed(nginx, { env: ['SERVICE_80_IGNORE=1'] })), []);
  assert.deepEqual(namesOf(changed(nginx, { env: ['SERVICE_81_IGNORE=1'] })), ['nginx']);
  assert.deepEqual(namesOf(changed(nginx, { env: ['SERVICE_NAME=a'], labels: { SERVICE_NAME: 'b' } })), [
    'b',
  ]);
  assert.deepEqual(namesOf(changed(nginx, { env: ['SERVICE_80_NAME=a'], labels: { SERVICE_NAME: 'b' } })), [
    'a',
  ]);
});

test('a port bound to one address is registered with that address', () => {
  const ports = {
    '80/tcp': [
      { HostIp: '127.0.0.1', HostPort: '1' },
      { HostIp: '192.168.7.2', HostPort: '8080' },
    ],
  };
  const [entry] = read(changed(nginx, { ports })).candidates;
  assert.deepEqual([entry?.address, entry?.port], ['192.168.7.2', 8080]);
});

test('nobody can pass for a replica of a project by environment variables', () => {
  const env = [
    'SERVICE_SEAWALL-PROJECT=polls',
    'SERVICE_seawall-container=x',
    'SERVICE_BAD KEY=1',
    `SERVICE_BIG=${'x'.repeat(600)}`,
  ];
  const [entry] = read(changed(nginx, { env })).candidates;
  assert.deepEqual(Object.keys(entry?.meta ?? {}).sort(), [
    'seawall-container',
    'seawall-probe',
    'seawall-started',
  ]);
});

test('a check that needs more than HTTP or TCP is left out with a remark', () => {
  const { candidates, notes } = read(changed(nginx, { env: ['SERVICE_CHECK_SCRIPT=curl x'] }));
  assert.equal(candidates[0]?.check.kind, 'tcp');
  assert.deepEqual(notes, ['test-01: SERVICE_CHECK_SCRIPT is not supported and was left out']);
});

test('without HEALTHCHECK a replica is checked as its label says, and NONE counts as without', () => {
  const none = changed(replica, { health: { Test: ['NONE'] } });
  const check = (health: string) =>
    read(changed(none, { labels: { ...none.Config.Labels, 'seawall.health': health } })).candidates[0];
  const http = check('{"kind":"http","port":8000,"path":"/up","monitorMs":5000}');
  assert.partialDeepStrictEqual(http?.check, {
    kind: 'http',
    port: 8000,
    path: '/up',
    accept: 'below-500',
    inARow: 3,
  });
  assert.equal(http?.meta['seawall-probe'], '{"kind":"http","port":8000,"path":"/up"}');
  assert.partialDeepStrictEqual(check('{"kind":"tcp","port":5432}')?.check, { kind: 'tcp', port: 5432 });
  assert.deepEqual(check('{"kind":"running","monitorMs":9000}')?.check, { kind: 'running', monitorMs: 9000 });
  for (const broken of ['{"kind":"http","port":"x"}', '[1]', 'null', '{', '']) {
    assert.deepEqual(check(broken)?.check, { kind: 'running', monitorMs: 5000 });
  }
});

test('a HEALTHCHECK in exec form is run as it stands, with its own timeout', () => {
  const health = { Test: ['CMD', 'pg_isready', '-U', '$(x); rm'], Timeout: 3e9 };
  assert.deepEqual(read(changed(replica, { health })).candidates[0]?.check, {
    kind: 'docker',
    argv: ['pg_isready', '-U', '$(x); rm'],
    timeoutMs: 3000,
  });
});

test('a replica without a route has port 0', () => {
  const { 'seawall.port': _, ...labels } = replica.Config.Labels ?? {};
  assert.equal(read(changed(replica, { labels })).candidates[0]?.id, 'app1:polls-web-1:0');
});

test('whatever names and values are given, ids and names stay plain and meta within the limits of Consul', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('; rm -rf /', '$(x)', '-n', '\n', '../..', '"}'),
  );
  const key = fc.oneof(
    fc.constantFrom('NAME', 'ID', 'TAGS', '80_NAME', 'CHECK_HTTP', 'CHECK_INTERVAL', 'CHECK_TIMEOUT'),
    text,
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(key, text)), text, (settings, image) => {
      const env = settings.map(([name, value]) => `SERVICE_${name}=${value}`);
      for (const { id, service, tags, meta } of read(changed(nginx, { env, image })).candidates) {
        assert.match(id, /^[\w.:-]{1,200}$/);
        assert.match(service, /^[\w.-]{1,200}$/);
        for (const tag of tags) assert.doesNotMatch(tag, /\p{C}/u);
        assert.ok(Object.keys(meta).length <= 64);
        for (const [name, value] of Object.entries(meta)) {
          assert.match(name, /^[\w-]{1,128}$/);
          assert.ok(Buffer.byteLength(value) <= 512);
        }
      }
    }),
  );
});
