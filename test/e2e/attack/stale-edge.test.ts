import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ask,
  deployShop,
  expectCode,
  onHost,
  projectFolder,
  seawall,
  underLoad,
  until,
} from '../core/stage.ts';

const shop = projectFolder('shop');
await deployShop(shop, { VERSION: 'v1' });

interface Row {
  readonly service: string;
  readonly host: string;
  readonly address: string;
  readonly container: string;
}

async function rows(service: string): Promise<Row[]> {
  const { stdout } = await expectCode(0, shop, ['ps', '--json'], { env: { VERSION: 'v1' } });
  const { replicas } = JSON.parse(stdout) as { replicas: Row[] };
  return replicas.filter((row) => row.service === service);
}

test('while the edge hears nothing, a killed replica is replaced by neighbours at once: no request reaches the wrong service', async (t) => {
  const before = await rows('web');
  const victim = before.find((row) => row.host === 'host3');
  assert.ok(victim);
  const { stdout: image } = await onHost('host3', [
    'docker',
    'inspect',
    '--format',
    '{{.Config.Image}}',
    victim.container,
  ]);
  const report = await underLoad({ versions: ['v1'], service: 'web' }, async () => {
    // The edge's agent is cut off: nginx goes by what was true.
    await onHost('host1', ['docker', 'pause', 'seawall-agent']);
    try {
      await onHost('host3', ['docker', 'rm', '-f', victim.container]);
      // Neighbours of other services, on the same network and port, as fast as Docker can.
      for (let count = 0; count < 6; count++) {
        const run = [
          'docker',
          'run',
          '-d',
          '--name',
          `neighbour-${count}`,
          '--network',
          'seawall.shop.default',
        ];
        const { code, stderr } = await onHost('host3', [
          ...run,
          '-e',
          'VERSION=stranger',
          image.trim(),
          ...[
            'node',
            '-e',
            `"process.argv[2]='api';process.env.PORT=8000;require('http').createServer((q,s)=>s.end(JSON.stringify({service:'stranger',version:'v1',instance:'x'}))).listen(8000)"`,
          ],
        ]);
        assert.equal(code, 0, stderr);
      }
      const addresses = await onHost('host3', [
        'docker',
        'inspect',
        '--format',
        '"{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"',
        ...Array.from({ length: 6 }, (_, count) => `neighbour-${count}`),
      ]);
      assert.ok(!addresses.stdout.includes(victim.address), 'its address is nobody else’s');
      // Nor does a scale while the edge cannot acknowledge: it is refused before anything changes.
      const refused = await seawall(shop, ['scale', 'api=4', '--yes'], { env: { VERSION: 'v1' } });
      assert.notEqual(refused.code, 0);
      assert.match(refused.stderr, /host1/);
      for (let count = 0; count < 100; count++) {
        const { status, body } = await ask();
        assert.equal(status, 200);
        assert.equal((JSON.parse(body) as { service: string }).service, 'web');
      }
    } finally {
      await onHost('host1', ['docker', 'unpause', 'seawall-agent']);
      await onHost('host3', [
        'docker',
        'rm',
        '-f',
        ...Array.from({ length: 6 }, (_, count) => `neighbour-${count}`),
      ]);
    }
  });
  t.diagnostic(
    `${report.requests} requests, ${report.failed} failed (${JSON.stringify(report.reasons)}), answered by ${Object.keys(report.instances).length} instances of web`,
  );
  assert.equal(report.reasons['wrong service'] ?? 0, 0);
  assert.equal(report.reasons.body ?? 0, 0);
  // What the killed replica had taken and must not be sent again.
  for (const failure of report.failures) assert.equal(failure.kind, 'post', JSON.stringify(failure));
  await deployShop(shop, { VERSION: 'v1' });
  await until('four replicas again', 60, async () => (await rows('web')).length === 4);
});
