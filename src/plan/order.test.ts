import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DesiredService } from '../compose/desired.ts';
import { stopTurns } from './order.ts';

const needs = (...names: string[]) =>
  ({ dependsOn: Object.fromEntries(names.map((name) => [name, {}])) }) as unknown as DesiredService;

test('what others need for their last work stops after them', () => {
  const services = {
    db: needs(),
    cache: needs(),
    migrate: needs('db'),
    api: needs('db', 'cache', 'migrate'),
    web: needs('api', 'cache'),
    lone: needs(),
    odd: needs('not-there'),
  };
  assert.deepEqual(stopTurns({ services }), [['lone', 'odd', 'web'], ['api'], ['cache', 'migrate'], ['db']]);
});

test('services that need each other stop together', () => {
  assert.deepEqual(stopTurns({ services: { a: needs('b'), b: needs('a'), c: needs('a') } }), [
    ['c'],
    ['a', 'b'],
  ]);
});
