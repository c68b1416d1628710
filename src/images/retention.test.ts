import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Docker } from '../hosts/index.ts';
import {
  builtForLabel,
  keptName,
  prunableNames,
  pruneBuiltImages,
  releaseImageId,
  releasesWithin,
} from './retention.ts';

test('nothing that a kept release, a running rollout or a container needs is pruned', () => {
  const release = (number: number, status: 'good' | 'failed' | 'pending', id: string) => ({
    number,
    status,
    images: { web: id },
  });
  const image = (id: string, ...tags: string[]) => ({ id, tags, labels: { [builtForLabel]: 'polls' } });
  const pruned = prunableNames({
    project: 'polls',
    keep: 2,
    releases: [
      release(1, 'good', 'sha256:1'),
      release(2, 'good', 'sha256:2'),
      release(3, 'failed', 'sha256:3'),
      release(4, 'good', 'sha256:4'),
      release(5, 'good', 'sha256:5'),
      release(6, 'pending', 'sha256:6'),
    ],
    usedIds: ['sha256:2'],
    images: [
      ...[1, 2, 3, 4, 5, 6].map((n) =>
        image(`sha256:${n}`, `seawall/polls-web:${n}`, keptName('polls', `sha256:${n}`)),
      ),
      image('sha256:user', 'mine:1'),
      {
        id: 'sha256:7',
        tags: [keptName('other', 'sha256:7'), 'seawall/other-web:7'],
        labels: { [builtForLabel]: 'other' },
      },
      { id: 'sha256:8', tags: ['nginx:1.30', keptName('polls', 'sha256:8')], labels: {} },
      // Another project runs what this one built.
      {
        id: 'sha256:9',
        tags: ['seawall/polls-web:9', keptName('other', 'sha256:9')],
        labels: { [builtForLabel]: 'polls' },
      },
    ],
  });
  assert.deepEqual(pruned, [
    'seawall/kept:polls.1',
    'seawall/kept:polls.3',
    'seawall/kept:polls.8',
    'seawall/polls-web:1',
    'seawall/polls-web:3',
    'seawall/polls-web:9',
  ]);
});

test('releases beyond the room for them go sooner, but never what serves nor the way back', () => {
  const releases = [1, 2, 3, 4, 5].map((number) => ({
    number,
    status: 'good' as const,
    images: { web: `sha256:${number}` },
  }));
  const ownBytes = new Map(releases.map(({ images }) => [images.web, 10e6]));
  const within = (maxBytes: number) => releasesWithin(releases, 5, { maxBytes, ownBytes });
  assert.equal(within(30e6), 5);
  assert.equal(within(20e6), 4);
  assert.equal(within(0), 2);
  assert.equal(releasesWithin(releases, 1, { maxBytes: 0, ownBytes }), 1);
  assert.equal(releasesWithin(releases.slice(3), 5, { maxBytes: 0, ownBytes }), 5);
});

test('an image has one id for releases whatever the store calls it, and only that of its project', () => {
  const digest = 'ab'.repeat(32);
  assert.equal(releaseImageId('p', ['web:1', keptName('p', `sha256:${digest}`)]), `sha256:${digest}`);
  assert.equal(releaseImageId('p', [keptName('pq', `sha256:${digest}`), 'web:1']), undefined);
});

test('the machine that builds keeps for a day what a deploy to another cluster may be about to send', async () => {
  const now = Date.parse('2026-11-27T12:00:00Z');
  const named: Record<string, string> = {
    old: '2026-11-01T00:00:00Z',
    fresh: '2026-11-27T11:59:00Z',
    shared: '2026-11-27T11:59:00Z',
    stranger: '2026-11-20T00:00:00Z',
  };
  const removed: string[] = [];
  const label = { [builtForLabel]: 'polls' };
  const docker = {
    listImages: async () =>
      Object.keys(named).map((id) => ({ Id: id, RepoTags: [`seawall/polls-web:${id}`], Labels: label })),
    listContainers: async () => [],
    tagImage: async () => {},
    inspectImage: async (name: string) => {
      const id = name.replace('seawall/polls-web:', '');
      return { Id: id, Created: '2020-01-01T00:00:00Z', Metadata: { LastTagTime: named[id] } };
    },
    removeImage: async (name: string) => void removed.push(name),
  } as unknown as Docker;
  const releases = [{ number: 2, status: 'good' as const, images: { web: 'other' } }];
  const known = { now, signal: undefined };
  await pruneBuiltImages(
    docker,
    { project: 'polls', keep: 1, releases },
    { ...known, knownIds: new Set(['old', 'shared']) },
  );
  assert.deepEqual(removed, ['seawall/polls-web:old', 'seawall/polls-web:stranger']);
});
