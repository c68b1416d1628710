import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  nginxGoldens,
  sampleFiles,
  sampleRoute,
  sampleSettings,
  sampleTls,
} from '../../test/edge-samples.ts';
import type { RouteRecord } from '../catalog/record.ts';
import { type EdgeSettings, edgeModel, servicesInForce } from './model.ts';
import { renderNginx } from './render.ts';
import { noTls } from './tls-plan.ts';
import { upstreamName } from './upstream-name.ts';

const golden = join(import.meta.dirname, '../../test/golden/nginx');

for (const [name, render] of Object.entries(nginxGoldens)) {
  test(`nginx is configured as in test/golden/nginx/${name}.conf`, () => {
    const file = join(golden, `${name}.conf`);
    const text = render();
    if (process.env.UPDATE_GOLDEN === '1') writeFileSync(file, text);
    assert.equal(text, readFileSync(file, 'utf8'));
  });
}

/** Directives and blocks of nginx text, as nginx's own reader splits them (src/core/ngx_conf_file.c): words only by shape. */
function structure(text: string): string[] {
  const shape: string[] = [];
  let words = 0;
  let at = 0;
  while (at < text.length) {
    const char = text[at] ?? '';
    if (/\s/.test(char)) at += 1;
    else if (char === '#') at = text.indexOf('\n', at);
    else if (char === ';' || char === '{' || char === '}') {
      shape.push(`${words}${char}`);
      words = 0;
      at += 1;
    } else {
      words += 1;
      at = endOfWord(text, at);
    }
  }
  return shape;
}

function endOfWord(text: string, start: number): number {
  const quote = text[start];
  let at = start;
  if (quote === '"' || quote === "'") {
    for (at += 1; at < text.length && text[at] !== quote; at += 1) if (text[at] === '\\') at += 1;
    return at + 1;
  }
  while (at < text.length && !/[\s;{]/.test(text[at] ?? '')) at += 1;
  return at;
}

const render = (routes: readonly RouteRecord[], settings: EdgeSettings = sampleSettings) => {
  const inForce = new Map(routes.map((route) => [upstreamName(route), ['10.208.17.2:8000']]));
  return edgeModel(routes, inForce, settings);
};

const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({
    unit: fc.constantFrom(
      '"',
      "'",
      ';',
      '{',
      '}',
      '\\',
      '$',
      '#',
      '\n',
      ' ',
      '/',
      '.',
      '~',
      '*',
      'a',
      '%',
      '`',
      '\0',
    ),
    maxLength: 20,
  }),
);

test('no text of a route can change the structure of the configuration: it is quoted or the route is left out', () => {
  const plain = structure(renderNginx(render([sampleRoute({ domain: 'a.test', path: '/a' })]).model));
  const root = structure(renderNginx(render([sampleRoute({ domain: 'a.test', path: '/' })]).model));
  const none = structure(renderNginx(render([]).model));
  fc.assert(
    fc.property(
      fc.record({
        domain: fc.oneof(fc.constant('a.test'), hostile),
        path: fc.oneof(
          fc.constant('/'),
          hostile.map((text) => `/${text}`),
          hostile,
        ),
        catalogService: fc.oneof(fc.constant('web'), hostile),
        project: fc.oneof(fc.constant('polls'), hostile),
      }),
      (change) => {
        const { model, problems } = render([sampleRoute(change)]);
        const shape = structure(renderNginx(model)).join(' ');
        if (problems.length > 0) assert.equal(shape, none.join(' '));
        else assert.ok(shape === plain.join(' ') || shape === root.join(' '), JSON.stringify(change));
      },
    ),
    { numRuns: 3000 },
  );
});

test('different services never share an upstream', () => {
  const place = { port: 1, domain: 'a.test' };
  const name = fc.string({ unit: fc.constantFrom('~', 'a', 'A', '-', '.', 'é', '4', '1'), maxLength: 5 });
  fc.assert(
    fc.property(fc.tuple(name, name), fc.tuple(name, name), ([p1, s1], [p2, s2]) => {
      const one = upstreamName({ ...place, project: p1, catalogService: s1 }).toLowerCase();
      const two = upstreamName({ ...place, project: p2, catalogService: s2 }).toLowerCase();
      assert.equal(one === two, p1 === p2 && s1 === s2);
    }),
    { numRuns: 2000 },
  );
});

test('the order in which routes and addresses are read makes no difference', () => {
  const routes = ['b.test', 'a.test', 'c.test'].flatMap((domain) => [
    sampleRoute({ domain }),
    sampleRoute({ domain, path: '/api', catalogService: 'api' }),
  ]);
  const expected = renderNginx(render(routes).model);
  fc.assert(
    fc.property(fc.shuffledSubarray(routes, { minLength: routes.length }), (shuffled) => {
      assert.equal(renderNginx(render(shuffled).model), expected);
    }),
  );
});

test('a domain and path that two projects want stays with the first by name, and the other is told', () => {
  const { model, problems } = render([sampleRoute({ project: 'b' }), sampleRoute({ project: 'a' })]);
  assert.equal(model.servers[0]?.routes[0]?.project, 'a');
  assert.match(problems[0]?.text ?? '', /of project b is served by project a already/);
});

test('a service without replicas is in force with no address, so that a rollout sees that it is known', () => {
  const { model } = edgeModel([sampleRoute()], new Map(), sampleSettings);
  assert.deepEqual(servicesInForce(model), { 'polls-web': [] });
});

test('the memory that workers share grows with the addresses of a service', () => {
  const sizes = (count: number): string[] => {
    const addresses = Array.from({ length: count }, (_, at) => `10.208.17.${at + 2}:8000`);
    const { model } = edgeModel(
      [sampleRoute()],
      new Map([[upstreamName(sampleRoute()), addresses]]),
      sampleSettings,
    );
    return [...renderNginx(model).matchAll(/^ *zone .* (\d+k);$/gm)].map(([, size]) => size ?? '');
  };
  assert.deepEqual(sizes(1), ['64k', '64k']);
  assert.deepEqual(sizes(48), ['64k', '64k']);
  assert.deepEqual(sizes(49), ['128k', '128k']);
  assert.deepEqual(sizes(200), ['320k', '320k']);
});

test('domains that are words of map stand there with a backslash, which nginx takes off', () => {
  const words = ['default', 'hostnames', 'include', 'volatile'];
  const records = ['defaults', ...words].map((domain) =>
    sampleRoute({ domain, tls: sampleTls({ certificate: domain }) }),
  );
  const certificates = new Map(
    records.map(({ domain }) => {
      const keys = [{ type: 'ecdsa' as const, fingerprint: sampleFiles.ecdsa }];
      return [domain, { id: domain, names: [domain], keys, source: 'internal' as const, isInterim: false }];
    }),
  );
  const { model, problems } = edgeModel(records, new Map(), sampleSettings, { ...noTls, certificates });
  assert.deepEqual(problems, []);
  const map = /map \$ssl_server_name[^}]*\}/.exec(renderNginx(model))?.[0] ?? '';
  for (const word of words) assert.ok(map.includes(`  "\\\\${word}" "`), map);
  assert.ok(map.includes('  "defaults" "'), map);
});
