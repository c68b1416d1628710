import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { takeDownLab } from '../../lab/hosts.ts';
import type { Lab } from '../../lab/lab.ts';
import { Docker, type HostLink } from '../../src/hosts/index.ts';
import { ensureImages, type ImageContext, type ImageWish } from '../../src/images/index.ts';
import type { Progress } from '../../src/progress.ts';
import { linksTo, until } from './lab-links.ts';
import { Stage } from './operator/stage.ts';

const run = promisify(execFile);
/** A registry of the host's own, which Docker may speak to without TLS. */
const PLACE = '127.0.0.1:5000';
/** bcrypt of the password `pull-me`. */
const HTPASSWD = 'ci:$2b$05$chnrmKuKzXfxBy8f98myVO1.MFofZNX8yFk5sJn0sDxiB0FB56PbC\n';
const CREDENTIALS = Buffer.from('ci:pull-me').toString('base64');
const SETTINGS = `version: 0.1
storage: { filesystem: { rootdirectory: /var/lib/registry } }
http: { addr: "127.0.0.1:5000" }
auth: { htpasswd: { realm: lab, path: /etc/registry.htpasswd } }
`;

let stage: Stage;
let lab: Lab;
let host: HostLink;
let operator: Docker;

async function onHost(script: string, stdin: string | Uint8Array = ''): Promise<string> {
  const { stdout } = await host.exec(['sh', '-ec', script], { stdin });
  return stdout;
}

/** The program of Debian's package docker-registry, unpacked only. */
async function registryProgram(): Promise<Uint8Array> {
  const scratch = await mkdtemp(join(tmpdir(), 'seawall-registry-'));
  try {
    await run('apt-get', ['download', 'docker-registry'], { cwd: scratch });
    const [archive = ''] = (await readdir(scratch)).filter((name) => name.endsWith('.deb'));
    await run('dpkg', ['-x', join(scratch, archive), join(scratch, 'unpacked')]);
    return await readFile(join(scratch, 'unpacked/usr/bin/docker-registry'));
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

before(async () => {
  stage = await Stage.open('registry-e2e', { host1: ['app'] });
  ({ lab } = stage);
  const [link] = await linksTo(lab, ['host1']);
  assert.ok(link);
  host = link;
  operator = new Docker('/var/run/docker.sock');
  await onHost(
    'cat > /usr/local/bin/docker-registry && chmod 755 /usr/local/bin/docker-registry',
    await registryProgram(),
  );
  await onHost('cat > /etc/registry.htpasswd', HTPASSWD);
  await onHost('cat > /etc/registry.yml', SETTINGS);
  await onHost(
    'mkdir -p /var/lib/registry; setsid docker-registry serve /etc/registry.yml > /var/log/registry.log 2>&1 < /dev/null &',
  );
  await until('the registry answers', async () =>
    /401/.test(await onHost(`curl -s -o /dev/null -w '%{http_code}' http://${PLACE}/v2/ || true`)),
  );
  await host.docker.loadImages(await operator.saveImages(['nginx:1.30']));
  await host.docker.tagImage('nginx:1.30', `${PLACE}/team/site:1`);
  await onHost(
    `docker login -u ci --password-stdin ${PLACE} && docker push ${PLACE}/team/site:1 && docker logout ${PLACE}`,
    'pull-me',
  );
  await onHost(`docker rmi ${PLACE}/team/site:1 nginx:1.30`);
});

after(async () => {
  host?.close();
  operator?.close();
  if (lab) await takeDownLab(lab);
});

const wish: ImageWish = {
  service: 'site',
  reference: `${PLACE}/team/site:1`,
  pull: 'missing',
  hosts: ['host1'],
};

const context = (auth: string | undefined, events: Progress[]): ImageContext => ({
  project: 'e2e',
  links: new Map([['host1', host]]),
  dockerConfig: auth === undefined ? {} : { auths: { [PLACE]: { auth } } },
  report: (event) => events.push(event),
});

test('a private registry says no to a pull without credentials, and nothing is left of the attempt', async () => {
  await assert.rejects(ensureImages([wish], context(undefined, [])), {
    code: 'docker',
    message: /host1 cannot pull/,
  });
});

test("with the operator's credentials the host pulls the image itself, and keeps none of them", async () => {
  const events: Progress[] = [];
  const images = await ensureImages([wish], context(CREDENTIALS, events));
  assert.match(images.site?.id ?? '', /^sha256:/);
  const titles = events.flatMap((event) => (event.kind === 'begin' ? [event.title] : []));
  assert.deepEqual(titles, [`pull ${wish.reference}`]);
  assert.doesNotMatch(
    await onHost('cat /root/.docker/config.json 2>/dev/null || true'),
    new RegExp(CREDENTIALS),
  );
  await onHost(`docker rmi ${wish.reference}`);
  const again = await host.exec(['docker', 'pull', wish.reference]);
  assert.match(again.stderr, /no basic auth credentials|unauthorized|denied/i);
});

test('pull_policy: always deploys what the tag means by now, also when nothing else has changed', async () => {
  const image = `${PLACE}/team/app:latest`;
  const push = async (version: string): Promise<void> => {
    const lines = `FROM ${wish.reference}\nENV VERSION=${version}\n`;
    await onHost(`docker build -q -t ${image} -`, lines);
    await onHost(`docker push -q ${image}`);
    await onHost(`docker rmi ${image}`);
  };
  const project = stage.project('app');
  await writeFile(join(project.folder, 'seawall.yml'), '{}');
  await writeFile(
    join(project.folder, 'compose.yaml'),
    JSON.stringify({ name: 'app', services: { web: { image, pull_policy: 'always' } } }),
  );
  const login = join(project.folder, 'docker');
  await mkdir(login);
  await writeFile(join(login, 'config.json'), JSON.stringify({ auths: { [PLACE]: { auth: CREDENTIALS } } }));
  const env = { DOCKER_CONFIG: login };
  const versionThere = async (): Promise<string> => {
    const names = (await stage.containers('host1')).filter((name) => name.startsWith('app-web-'));
    assert.equal(names.length, 1, names.join(' '));
    return (await onHost(`docker exec ${names[0]} printenv VERSION`)).trim();
  };
  await onHost(`docker login -u ci --password-stdin ${PLACE} && docker pull -q ${wish.reference}`, 'pull-me');
  await push('1');
  await project.expect(0, ['deploy', '--yes'], env);
  assert.equal(await versionThere(), '1');
  const unchanged = await project.expect(0, ['deploy', '--yes'], env);
  assert.match(unchanged.stdout, /nothing to do/);
  await push('2');
  const deployed = await project.expect(0, ['deploy', '--yes'], env);
  assert.match(deployed.stderr, /there are new images; what is to be done now:/);
  assert.equal(await versionThere(), '2');
  await onHost(`docker logout ${PLACE}`);
});
