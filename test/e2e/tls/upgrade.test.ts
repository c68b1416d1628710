import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCommand } from '../../../lab/command.ts';
import { until } from '../../until.ts';
import { reportText } from '../load/report.ts';
import { mustOnHost } from './host.ts';
import { EDGES } from './project.ts';
import { TlsStage } from './stage.ts';
import { anyOf, rootsOf, shownEverywhere } from './trust.ts';
import { ask } from './visitor.ts';

const stage = await TlsStage.open('upgrade');
const name = stage.domain('upgrade');
await stage.resolve([name]);
const tls = { issuers: [stage.issuerOf(stage.acme)] };
const site = stage.project({ name: 'upgrade', tls, routes: { [name]: {} } });

/** The nginx of every lab under another name and id, as a new version would come. */
async function nextImage(version: string): Promise<string> {
  const image = `nginx:1.30-${version}`;
  const input = `FROM nginx:1.30\nLABEL version=${version}\n`;
  await runCommand('docker', ['build', '--tag', image, '-'], { input, env: { DOCKER_BUILDKIT: '0' } });
  return image;
}

/** A container has the labels of its image. */
const versionOf = async (host: string): Promise<string> => {
  const format = '{{index .Config.Labels "version"}}';
  return (await mustOnHost(stage.lab, host, `docker inspect --format '${format}' seawall-edge`)).trim();
};

test('nginx is replaced on two edges one after the other, and nothing is lost', async (t) => {
  await site.deploy();
  const roots = await rootsOf(stage, site);
  await until('the issuer’s certificate is on both edges', 180, async () => {
    const everywhere = await shownEverywhere(stage.edges, name, roots);
    return everywhere?.by === 'acme';
  });
  const image = await nextImage('next');
  const report = await site.underLoad(name, anyOf(roots), async () => {
    site.use({ tls, routes: { [name]: {} }, edge: { image } });
    await site.deploy();
  });
  t.diagnostic(`two edges upgraded under load:\n${reportText(report)}`);
  for (const host of EDGES) assert.equal(await versionOf(host), 'next', host);
  assert.equal(report.failed, 0, JSON.stringify(report.failures, undefined, 1));
  assert.equal((await shownEverywhere(stage.edges, name, roots))?.by, 'acme');
});

test('with one edge the gap is announced before and measured after', async (t) => {
  const only = EDGES[0];
  const address = stage.address(only);
  await stage.resolve([name], [address]);
  await site.expect(0, ['machine', 'rm', EDGES[1], '--yes']);
  site.use({ tls, routes: { [name]: {} }, edge: { image: 'nginx:1.30-next' }, edges: [only] });
  await site.deploy();
  const { acme } = await rootsOf(stage);
  const image = await nextImage('after');
  site.use({ tls, routes: { [name]: {} }, edge: { image }, edges: [only] });
  const plan = await site.run(['plan']);
  t.diagnostic(`announced:\n${plan.stdout}`);
  assert.match(plan.stdout + plan.stderr, /only edge|one edge|no other edge|gap|interrupt/i);

  const seen = watchGap(address, acme);
  const output = await site.deploy();
  const gapMs = await seen.end();
  const told = output.split('\n').filter((line) => /gap|\d+ ?ms|without an edge|not served/i.test(line));
  t.diagnostic(`told: ${told.join('; ')}; seen by a visitor who asks every 20 ms: ${gapMs} ms`);
  assert.ok(told.length > 0, output);
  assert.equal(await versionOf(only), 'after');
  assert.equal((await ask(address, name, acme)).status, 200);
});

/** The longest time in which no request was answered, asked again and again on new connections. */
function watchGap(address: string, trust: string): { readonly end: () => Promise<number> } {
  let isEnded = false;
  const watched = (async () => {
    let longest = 0;
    let last = performance.now();
    while (!isEnded) {
      const isThere = await ask(address, name, trust).then(
        ({ status }) => status === 200,
        () => false,
      );
      const now = performance.now();
      if (isThere) {
        longest = Math.max(longest, now - last);
        last = now;
      }
      await new Promise((wake) => setTimeout(wake, 20));
    }
    return Math.round(longest);
  })();
  return {
    end: () => {
      isEnded = true;
      return watched;
    },
  };
}
