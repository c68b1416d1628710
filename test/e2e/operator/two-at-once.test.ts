/** Two operators at once, and two projects that are called alike in everything but their names. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { takeDownLab } from '../../../lab/hosts.ts';
import { type Project, Stage } from './stage.ts';

const HOSTS = ['host1', 'host2'];
let stage: Stage;
let left: Project;
let right: Project;

before(async () => {
  stage = await Stage.open('two', { host1: ['edge', 'app'], host2: ['app'] });
  left = stage.project('left');
  right = stage.project('right');
  await left.expect(0, ['machine', 'setup', '--yes']);
});

after(async () => {
  if (stage) await takeDownLab(stage.lab);
});

/** Everything of the projects that must be there once only: addresses and subnets, over all hosts. */
async function places(): Promise<{ readonly subnets: string[]; readonly addresses: string[] }> {
  const each = await Promise.all(
    HOSTS.map(async (host) => ({
      subnets: await stage.onHost(
        host,
        "docker network ls -q --filter label=seawall.network | xargs docker network inspect --format '{{range .IPAM.Config}}{{.Subnet}}{{end}}'",
      ),
      addresses: await stage.onHost(
        host,
        "docker ps -q --filter label=seawall.kind=replica | xargs docker inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}'",
      ),
    })),
  );
  const words = (text: string) => text.split(/\s+/).filter(Boolean);
  return {
    subnets: each.flatMap(({ subnets }) => words(subnets)),
    addresses: each.flatMap(({ addresses }) => words(addresses)),
  };
}

test('two projects deployed at once on the same hosts both work, and share no address and no subnet', async (t) => {
  const outcomes = await Promise.all([
    left.run(['deploy', '--yes'], { env: { VERSION: 'l1' } }),
    right.run(['deploy', '--yes'], { env: { VERSION: 'r1' } }),
  ]);
  for (const { code, stdout, stderr } of outcomes) assert.equal(code, 0, `${stdout}\n${stderr}`);
  assert.deepEqual(await left.served('host1'), ['l1']);
  assert.deepEqual(await right.served('host1'), ['r1']);
  const { subnets, addresses } = await places();
  t.diagnostic(`${subnets.length} subnets, ${addresses.length} addresses, each once`);
  assert.equal(addresses.length, 6);
  assert.equal(new Set(addresses).size, addresses.length, addresses.join(' '));
  assert.equal(new Set(subnets).size, subnets.length, subnets.join(' '));
});

test('names, volumes and networks of one project are not those of the other', async () => {
  const versionSeen = async (project: Project): Promise<string> => {
    const script = "fetch('http://store:7000/').then(async (r) => console.log((await r.json()).version))";
    const { stdout } = await project.expect(0, ['exec', '-T', 'web', 'node', '-e', script]);
    return stdout.trim();
  };
  assert.equal(await versionSeen(left), 'l1');
  assert.equal(await versionSeen(right), 'r1');
  const volumes = await Promise.all(HOSTS.map((host) => stage.onHost(host, 'docker volume ls -q')));
  for (const name of ['left_data', 'right_data'])
    assert.equal(volumes.join('\n').split(name).length - 1, 1, `${name}: ${volumes.join(' ')}`);
});

test('a port that both publish on one host is refused for the second before anything changes', async () => {
  const publish = (project: Project, port: number) => {
    const store = { ports: [`${port}:7000`] };
    writeFileSync(join(project.folder, 'compose.override.yaml'), JSON.stringify({ services: { store } }));
  };
  const home = async (project: Project): Promise<string> => {
    const { stdout } = await project.expect(0, ['ps', '--json']);
    const { replicas } = JSON.parse(stdout) as { replicas: { service: string; host: string }[] };
    return replicas.find(({ service }) => service === 'store')?.host ?? '';
  };
  const [one, two] = [await home(left), await home(right)];
  publish(left, 9100);
  publish(right, one === two ? 9100 : 9101);
  await left.expect(0, ['deploy', '--yes'], { VERSION: 'l1' });
  if (one === two) {
    const refused = await right.expect(2, ['deploy', '--yes'], { VERSION: 'r1' });
    assert.match(refused.stderr, /port 9100 of store is taken on host/);
    publish(right, 9101);
  }
  await right.expect(0, ['deploy', '--yes'], { VERSION: 'r1' });
  const ask = (host: string, port: number) => stage.onHost(host, `curl -fsS http://127.0.0.1:${port}/`);
  assert.match(await ask(one, 9100), /"version":"l1"/);
  assert.match(await ask(two, 9101), /"version":"r1"/);
});

test('of two deploys of one project the second is told who holds the lock; with --lock-wait it goes on from what it finds', async (t) => {
  const env = { VERSION: 'l2', SLOW_START_MS: '5000' };
  const first = left.run(['deploy', '--yes'], { env });
  await stage.until(
    'the first one holds the lock',
    async () => (await left.run(['lock', 'status'])).code === 4,
  );
  const locked = left.run(['deploy', '--yes'], { env: { VERSION: 'l3' } });
  const waiting = left.run(['deploy', '--yes', '--lock-wait', '5m'], { env: { VERSION: 'l4' } });
  const { code, stderr } = await locked;
  assert.equal(code, 4, stderr);
  assert.match(stderr, /\S+ on \S+ holds \S+ since 20\S+Z: seawall .*deploy --yes$/m);
  const [done, waited] = await Promise.all([first, waiting]);
  assert.equal(done.code, 0, done.stdout + done.stderr);
  assert.equal(waited.code, 0, waited.stdout + waited.stderr);
  assert.match(waited.stderr, /waiting for \S+ on \S+, who changes left since/);
  assert.deepEqual(await left.served('host1'), ['l4']);
  await left.expect(0, ['plan', '--exit-code'], { VERSION: 'l4' });
  t.diagnostic('second deploy: exit code 4; third, with --lock-wait: deployed after the first');
});

test('a second Ctrl-C leaves everything as it is and says so; the next deploy finishes', async () => {
  let signals = 0;
  const interrupted = await left.run(['deploy', '--yes'], {
    env: { VERSION: 'l5' },
    onError: (text, child) => {
      if ((signals === 0 && /replace store-1/.test(text)) || (signals === 1 && /going back/.test(text))) {
        signals += 1;
        child.kill('SIGINT');
      }
    },
  });
  assert.equal(signals, 2, interrupted.stderr);
  assert.equal(interrupted.code, 130, interrupted.stderr);
  assert.match(interrupted.stderr, /what runs stays as it is now/);
  await left.expect(0, ['deploy', '--yes', '--lock-wait', '2m'], { VERSION: 'l5' });
  await left.expect(0, ['plan', '--exit-code'], { VERSION: 'l5' });
  assert.deepEqual(await left.served('host1'), ['l5']);
});

test('what changes by itself while the question stands is shown and asked for once more', async () => {
  const removeOne = async (): Promise<void> => {
    for (const host of HOSTS) {
      const [name] = (await stage.containers(host)).filter((each) => each.startsWith('left-web-'));
      if (name !== undefined) return void (await stage.onHost(host, `docker rm -f ${name}`));
    }
  };
  const { code, screen } = await left.atTerminal(['deploy'], {
    env: { VERSION: 'l6' },
    question: /\[y\/N\] /,
    answers: [async () => removeOne().then(() => 'y\r'), async () => 'y\r'],
  });
  assert.equal(code, 0, screen);
  const [first = '', second = ''] = screen.split('what runs has changed meanwhile; what is to be done now:');
  assert.match(first, /2 replaced|3 replaced/, screen);
  assert.match(second, /\+ web-\d/, screen);
  assert.deepEqual(await left.served('host1'), ['l6']);
  await left.expect(0, ['plan', '--exit-code'], { VERSION: 'l6' });
});
