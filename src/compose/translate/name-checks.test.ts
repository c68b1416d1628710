import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ServiceModel } from '../model.ts';
import type { Remarks, TranslateInput } from './input.ts';
import { checkNames } from './name-checks.ts';

const source = { path: '/x/compose.yaml', name: 'compose.yaml', text: 'services: {}\n' };
const input = { place: () => ({ source, start: 0, end: 1 }) } as unknown as TranslateInput;

function problemsOf(service: Partial<ServiceModel>): string[] {
  const remarks = { problems: [], notices: [] } as unknown as Remarks;
  checkNames('web', service as ServiceModel, input, remarks);
  return remarks.problems.map(({ path }) => path);
}

test('image references that Docker takes are taken', () => {
  for (const image of [
    'nginx',
    'nginx:1.30',
    'library/nginx',
    'registry.example:5000/team/app_x/y__z-1:v1.2-rc_3',
    'LOCALHOST/app',
    '[2001:db8::1]:5000/app',
    `app@sha256:${'a'.repeat(64)}`,
    `ghcr.io/a/b:1@sha256:${'0'.repeat(64)}`,
  ])
    assert.deepEqual(problemsOf({ image }), [], image);
});

test('what is no image, alias, container or network name is refused with its place', () => {
  for (const hostile of ['; touch x', '$(id)', '-x', 'a b', 'a\nb', 'ü', '../x', '']) {
    assert.deepEqual(problemsOf({ image: hostile }), ['services.web.image'], hostile);
    assert.equal(problemsOf({ container_name: hostile }).length, 1, hostile);
    assert.equal(problemsOf({ networks: { [hostile]: null } }).length, 1, hostile);
    assert.equal(problemsOf({ networks: { default: { aliases: ['ok', hostile] } } }).length, 1, hostile);
  }
  assert.deepEqual(
    problemsOf({ container_name: 'shop_web.1', networks: { back_end: { aliases: ['a.b-c_d'] } } }),
    [],
  );
});
