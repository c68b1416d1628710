/** What Compose keys say of a container is so inside it and in the eyes of its engine, on both engines of the lab. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { expectCode, onHost, projectFolder } from './core/stage.ts';

const app = projectFolder('files', 'keys');
writeFileSync(
  join(app.folder, 'compose.yaml'),
  `
name: keys
x-common: &common
  image: node:24-slim
  command: [node, -e, "setInterval(() => {}, 1000)"]
services:
  all:
    <<: *common
    deploy:
      replicas: 2
      resources:
        limits: { cpus: "0.5", memory: 128M, pids: 77 }
        reservations: { memory: 32M }
      placement: { max_replicas_per_node: 1 }
    init: true
    user: "1000:1000"
    group_add: ["4242"]
    read_only: true
    tmpfs: ["/scratch:size=1m,mode=1777"]
    cap_drop: [ALL]
    cap_add: [NET_BIND_SERVICE]
    security_opt: ["no-new-privileges:true"]
    sysctls: { net.core.somaxconn: 321 }
    ulimits: { nofile: { soft: 1234, hard: 2345 }, nproc: 333 }
    extra_hosts: ["legacy.example:192.0.2.7"]
    hostname: odd-name
    working_dir: /tmp
    shm_size: 32m
    oom_score_adj: 321
    environment: { PLAIN: "a value", EMPTY: "", FROM_FILE: }
    labels: { com.example.team: "ops & co" }
    logging: { driver: json-file, options: { max-size: 1m, max-file: "2" } }
    restart: on-failure:3
    stop_signal: SIGUSR1
    stop_grace_period: 3s
    networks: { front: {}, back: { aliases: [all-in-back] } }
  behind:
    <<: *common
    networks: { back: { aliases: [storage] } }
  lonely:
    <<: *common
    networks: [alone]
  debug:
    <<: *common
    profiles: [debug]
networks: { front: {}, back: {}, alone: { internal: true } }
`,
);
writeFileSync(join(app.folder, 'seawall.yml'), 'routes: {}\n');

before(() => expectCode(0, app, ['deploy', '--yes']));
after(() => expectCode(0, app, ['down', '--yes', '--volumes']));

interface Row {
  readonly service: string;
  readonly replica: number;
  readonly host: string;
  readonly container: string;
}

async function replicas(): Promise<Row[]> {
  const { stdout } = await expectCode(0, app, ['ps', '--json']);
  return (JSON.parse(stdout) as { replicas: Row[] }).replicas;
}

/** What a shell in a replica of `service` says. */
async function inside(row: Row, script: string): Promise<string> {
  const { code, stdout, stderr } = await onHost(row.host, [
    'docker',
    'exec',
    row.container,
    'sh',
    '-c',
    `'${script.replaceAll("'", `'\\''`)}'`,
  ]);
  assert.equal(code, 0, `${script}: ${stdout}${stderr}`);
  return stdout.trim();
}

test('inside the container everything is as the keys say, on both engines', async (t) => {
  const rows = (await replicas()).filter(({ service }) => service === 'all');
  assert.deepEqual(rows.map(({ host }) => host).sort(), ['host2', 'host3'], 'one on each host');
  const expected: readonly (readonly [key: string, script: string, says: string | RegExp])[] = [
    ['user', 'id -u; id -g', '1000\n1000'],
    ['group_add', 'id -G', /\b4242\b/],
    ['init', 'tr "\\0" " " < /proc/1/cmdline', /init/],
    ['read_only', 'touch /x 2>&1 || true', /Read-only/],
    ['tmpfs', 'touch /scratch/x && stat -f -c %T /scratch', 'tmpfs'],
    ['cap_drop, cap_add', 'grep CapBnd /proc/1/status | cut -f2', '0000000000000400'],
    ['security_opt', 'grep NoNewPrivs /proc/1/status | cut -f2', '1'],
    ['sysctls', 'cat /proc/sys/net/core/somaxconn', '321'],
    ['ulimits', 'ulimit -Sn; ulimit -Hn', '1234\n2345'],
    ['extra_hosts', 'getent hosts legacy.example', /^192\.0\.2\.7/],
    ['hostname', 'hostname', 'odd-name'],
    ['working_dir', 'pwd', '/tmp'],
    ['shm_size', 'df -k /dev/shm | tail -1', /\b32768\b/],
    ['oom_score_adj', 'cat /proc/1/oom_score_adj', '321'],
    ['environment', 'printf "%s|%s" "$PLAIN" "$EMPTY"', 'a value|'],
    ['environment without a value', 'env | grep -c FROM_FILE || true', '0'],
  ];
  for (const row of rows) {
    for (const [key, script, says] of expected) {
      const said = await inside(row, script);
      if (typeof says === 'string') assert.equal(said, says, `${key} on ${row.host}`);
      else assert.match(said, says, `${key} on ${row.host}`);
    }
  }
  t.diagnostic(`${expected.length} keys looked at inside, on ${rows.length} hosts`);
});

test('the engine has limits, restart policy, log options, labels and stop signal as written', async () => {
  for (const row of (await replicas()).filter(({ service }) => service === 'all')) {
    const { stdout } = await onHost(row.host, ['docker', 'inspect', row.container]);
    const [{ HostConfig, Config }] = JSON.parse(stdout);
    assert.equal(HostConfig.Memory, 128 * 2 ** 20);
    assert.equal(HostConfig.MemoryReservation, 32 * 2 ** 20);
    assert.equal(HostConfig.NanoCpus, 500_000_000);
    assert.equal(HostConfig.PidsLimit, 77);
    assert.deepEqual(HostConfig.RestartPolicy, { Name: 'on-failure', MaximumRetryCount: 3 });
    assert.deepEqual(HostConfig.LogConfig, {
      Type: 'json-file',
      Config: { 'max-file': '2', 'max-size': '1m' },
    });
    assert.equal(Config.Labels['com.example.team'], 'ops & co');
    assert.equal(Config.StopSignal, 'SIGUSR1');
  }
});

test('aliases and networks hold across hosts: common ones lead there, others do not', async () => {
  const rows = await replicas();
  const behind = rows.find(({ service }) => service === 'behind');
  const lonely = rows.find(({ service }) => service === 'lonely');
  assert.ok(behind && lonely);
  const names = async (row: Row, name: string) =>
    (await inside(row, `getent ahostsv4 ${name} | cut -d" " -f1 | sort -u`)).split('\n').filter(Boolean);
  for (const all of rows.filter(({ service }) => service === 'all')) {
    assert.equal((await names(all, 'storage')).length, 1, 'the alias of behind');
    assert.equal((await names(all, 'lonely')).length, 0, 'no common network');
  }
  assert.equal((await names(behind, 'all-in-back')).length, 2, 'both replicas, on both hosts');
  assert.equal((await names(lonely, 'all')).length, 0);
  const [address] = await names(behind, 'all');
  const dial = `node -e 'const s=require("net").connect(9,"${address}");s.setTimeout(2000,()=>{console.log("silent");process.exit()});s.on("error",e=>{console.log(e.code);process.exit()})'`;
  assert.match(await inside(behind, dial), /ECONNREFUSED/, 'the common network leads there');
  assert.doesNotMatch(await inside(lonely, dial), /ECONNREFUSED/, 'another network does not');
});

test('a service of a profile runs only when the profile is asked for', async () => {
  assert.ok(!(await replicas()).some(({ service }) => service === 'debug'));
  await expectCode(0, app, ['deploy', '--yes'], { env: { COMPOSE_PROFILES: 'debug' } });
  assert.ok((await replicas()).some(({ service }) => service === 'debug'));
  await expectCode(0, app, ['deploy', '--yes']);
  assert.ok(!(await replicas()).some(({ service }) => service === 'debug'));
});
