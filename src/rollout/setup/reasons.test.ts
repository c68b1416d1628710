import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hostsToBe, isOnlyEdge } from './reasons.ts';

const host = (name: string, ...roles: ('app' | 'edge')[]) => ({ name, roles });

test('whether an edge is the only one is a matter of the cluster, with the roles that the configuration gives', () => {
  const own = [host('app1', 'app'), host('front', 'edge')];
  assert.ok(isOnlyEdge(hostsToBe([], own), 'front'));
  assert.ok(!isOnlyEdge(hostsToBe([host('front', 'edge'), host('front2', 'edge')], own), 'front'));
  // It is to become an app host, or was one.
  assert.ok(isOnlyEdge(hostsToBe([host('app1', 'edge'), host('front', 'edge')], own), 'front'));
  assert.ok(isOnlyEdge(hostsToBe([host('front', 'app')], own), 'front'));
  assert.ok(!isOnlyEdge(hostsToBe([], own), 'app1'));
});
