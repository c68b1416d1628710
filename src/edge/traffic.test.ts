import assert from 'node:assert/strict';
import { appendFile, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventually, startTestCatalog } from '../../test/test-catalog.ts';
import { parseEntry } from '../catalog/index.ts';
import { KEY, type RolloutRecord, type TrafficRecord } from '../catalog/record.ts';
import { rotateLog } from './log-size.ts';
import { LogTail } from './log-tail.ts';
import { emptyTally, isCounted, parseLogLine, tallied } from './tally.ts';
import { watchTraffic } from './traffic.ts';

const line = (change: Record<string, string> = {}) =>
  JSON.stringify({
    project: 'polls',
    service: 'polls-web',
    host: 'polls.test',
    status: '200',
    request_time: '0.041',
    stream: '',
    ...change,
  });
const rollout = (change: Partial<RolloutRecord> = {}): RolloutRecord => ({
  id: 'r1',
  project: 'polls',
  domains: ['polls.test'],
  startedAt: '2026-01-01T00:00:00Z',
  ended: false,
  away: [],
  ...change,
});

test('failures are 5xx and no answer; those of an announced service are counted apart; streams have no duration', () => {
  const lines = [
    line(),
    line({ status: '404' }),
    line({ status: '499' }),
    line({ status: '502' }),
    line({ status: '503', service: 'polls-db' }),
    line({ status: '000' }),
    line({ status: '101', stream: '1', request_time: '3600.000' }),
    'no json',
    '7',
  ];
  const entries = lines.flatMap((text) => parseLogLine(text) ?? []);
  const tally = tallied(emptyTally, entries, new Set(['polls-db']));
  assert.deepEqual(tally, { requests: 7, failed: 3, away: 1, histogram: { 42: 6 } });
});

test('a request that ended before its route was known counts for the project of its domain', () => {
  const entry = parseLogLine(line({ project: '' }));
  assert.ok(entry);
  assert.equal(isCounted(entry, rollout()), true);
  assert.equal(isCounted({ ...entry, host: 'shop.test' }, rollout()), false);
  assert.equal(isCounted({ ...entry, project: 'shop' }, rollout()), false);
});

test('a log is read line by line over its rotation, and on from a remembered place', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'seawall-log-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, 'access.log');
  await writeFile(path, 'before\n');
  const tail = new LogTail(path);
  await tail.start();
  await appendFile(path, 'one\ntw');
  assert.deepEqual(await tail.lines(), ['one']);
  const { position } = tail;
  await appendFile(path, 'o\n');
  assert.deepEqual(await tail.lines(), ['two']);
  const rotated = await rotateLog({ logPath: path, limitBytes: 5, reopen: () => writeFile(path, 'three\n') });
  assert.equal(rotated, true);
  await appendFile(`${path}.1`, 'late\n');
  const seen: string[] = [];
  for (let look = 0; look < 20; look += 1) seen.push(...(await tail.lines()));
  assert.deepEqual(seen, ['late', 'three']);
  await tail.close();
  const again = new LogTail(path);
  await again.start(position);
  const all: string[] = [];
  for (let look = 0; look < 20; look += 1) all.push(...(await again.lines()));
  assert.deepEqual(all, ['two', 'late', 'three']);
  await again.close();
});

test('the traffic of a rollout is complete also when the agent restarts in its middle', async (t) => {
  const { client } = await startTestCatalog(t);
  const folder = await mkdtemp(join(tmpdir(), 'seawall-traffic-'));
  t.after(() => rm(folder, { recursive: true }));
  const logPath = join(folder, 'access.log');
  const statePath = join(folder, 'traffic.json');
  await writeFile(logPath, `${line()}\n`);
  const log = (text: string) => t.diagnostic(text);
  const start = () => {
    const end = new AbortController();
    const done = watchTraffic({ client, host: 'h1', logPath, statePath, signal: end.signal, log });
    return async () => {
      end.abort();
      await done;
    };
  };
  const counted = (requests: number) =>
    eventually(`${requests} requests counted`, async () => {
      const state = JSON.parse(await readFile(statePath, 'utf8').catch(() => '{"counts":[]}'));
      return state.counts[0]?.tally.requests === requests;
    });
  await client.kvPut(KEY.rollout('polls'), JSON.stringify(rollout()));
  let stop = start();
  await counted(0);
  await appendFile(logPath, `${line()}\n${line({ status: '502' })}\n`);
  await counted(2);
  await stop();
  await appendFile(logPath, `${line()}\n`);
  await rename(logPath, `${logPath}.1`);
  await writeFile(logPath, `${line()}\n`);
  stop = start();
  await counted(4);
  await client.kvPut(KEY.rollout('polls'), JSON.stringify(rollout({ ended: true })));
  const { index } = await client.kvGet(KEY.traffic('polls', 'h1'));
  const { value } = await client.kvGet(KEY.traffic('polls', 'h1'), { index, waitMs: 10_000 });
  assert.ok(value);
  const record = parseEntry<TrafficRecord>(value);
  assert.deepEqual(record, {
    rollout: 'r1',
    complete: true,
    requests: 4,
    failed: 1,
    away: 0,
    histogram: { 42: 4 },
  });
  await stop();
});
