import assert from 'node:assert/strict';
import { test } from 'node:test';
import { workersToEnd } from './bounds.ts';
import { emptyBook, type GenerationBook, lingeringOf, withGeneration, withWorkers } from './lingering.ts';
import { parseWorkers, plainConnections, type Worker } from './workers.ts';

/** As nginx 1.30.6 in a Debian container printed it: one WebSocket over one old worker. */
const printed = `process 12 nginx: worker process is shutting down                              
stat S 1 1 1 0 -1 4194624 1871 0 0 0 0 0 0 0 20 0 1 0 309903 24608768 3337 18446744073709551615 94869310873600
socket 292939
socket 292945
socket 292946
process 19 nginx: worker process                                               
stat S 1 1 1 0 -1 4194624 1843 0 0 0 0 0 0 0 20 0 1 0 309912 23597056 2798 18446744073709551615 94869310873600
table
0300007F:D5C0 0100007F:9A4F 01 292946
0100007F:B197 0100007F:DD4C 01 292945
end
`;
const rules = { listenPorts: [0xb197], upgradedSource: '127.0.0.3' };

test('clients and upgraded connections of an old worker are told apart', () => {
  const workers = parseWorkers(printed, rules);
  assert.deepEqual(workers?.[0], {
    id: '12:309903',
    pid: 12,
    isShuttingDown: true,
    memoryBytes: 3337 * 4096,
    clients: 1,
    multiplexed: 0,
    upstream: { '127.0.0.1:39503': { requests: 0, upgraded: 1 } },
  });
  assert.equal(workers?.[1]?.isShuttingDown, false);
  assert.equal(plainConnections(workers?.[0] ?? old({})), 0);
});

test('clients over IPv6 and mapped addresses are read too, and those whose answer is complete do not count', () => {
  const v6 = `${printed.split('table')[0]}table
00000000000000000000000001000000:B197 00000000000000000000000001000000:DD4C 01 292945
0000000000000000FFFF00000300007F:D5C0 0000000000000000FFFF00000100007F:9A4F 01 292946
0100007F:B197 0100007F:DD4C 05 292939
end
`;
  const [worker] = parseWorkers(v6, rules) ?? [];
  assert.equal(worker?.clients, 1);
  assert.deepEqual(worker?.upstream, { '127.0.0.1:39503': { requests: 0, upgraded: 1 } });
});

test('a cut-off output is not taken for a calm edge', () => {
  for (let length = 0; length < printed.length - 4; length += 7)
    assert.equal(parseWorkers(printed.slice(0, length), rules), undefined);
});

const a = '10.208.17.2:8000';
const b = '10.208.17.3:8000';

function old(change: Partial<Worker>): Worker {
  return {
    id: '12:1',
    pid: 12,
    isShuttingDown: true,
    memoryBytes: 0,
    clients: 0,
    multiplexed: 0,
    upstream: {},
    ...change,
  };
}

const book: GenerationBook = {
  addresses: { 1: [a, b], 2: [b] },
  workers: { '12:1': 1, '19:1': 2 },
};
const lingering = (worker: Worker, known = book) => lingeringOf([worker], known, 2, new Set([b]), []);

test('an address in force never lingers, one out of force does as long as a worker may use it', () => {
  assert.deepEqual(lingering(old({ clients: 1, upstream: { [a]: { requests: 1, upgraded: 0 } } })), {
    [a]: { requests: 1, upgraded: 0 },
  });
  assert.deepEqual(lingering(old({ clients: 1, upstream: { [b]: { requests: 1, upgraded: 0 } } })), {});
  assert.deepEqual(lingering(old({})), {});
});

test('a client without a connection to a replica may still go to any address: a slow upload', () => {
  assert.deepEqual(lingering(old({ clients: 2, upstream: { [b]: { requests: 1, upgraded: 0 } } })), {
    [a]: { requests: 1, upgraded: 0 },
  });
});

test('upgraded connections are no requests', () => {
  const worker = old({ clients: 2, upstream: { [a]: { requests: 0, upgraded: 2 } } });
  assert.deepEqual(lingering(worker), { [a]: { requests: 0, upgraded: 2 } });
});

test('nothing is known while an old worker still accepts, or when nobody remembers what it knows', () => {
  assert.deepEqual(lingering(old({ isShuttingDown: false })), { [a]: { requests: -1, upgraded: 0 } });
  const forgotten = lingeringOf([old({ clients: 1 })], emptyBook, 2, new Set([b]), [a, b]);
  assert.deepEqual(forgotten, { [a]: { requests: -1, upgraded: 0 } });
  const calm = old({ clients: 1, upstream: { [a]: { requests: 0, upgraded: 1 } } });
  assert.deepEqual(lingeringOf([calm], emptyBook, 2, new Set([b]), [a, b]), {
    [a]: { requests: 0, upgraded: 1 },
  });
});

test('one worker that cannot tell makes the sum unknown', () => {
  const workers = [old({ clients: 1 }), old({ id: '13:1', isShuttingDown: false })];
  const both = { ...book, workers: { ...book.workers, '13:1': 1 } };
  assert.equal(lingeringOf(workers, both, 2, new Set([b]), [])[a]?.requests, -1);
});

test('a new process with the id of an old one is another worker', () => {
  const known = withWorkers(withGeneration(book, 3, [b]), [old({ id: '12:999', isShuttingDown: false })], 3);
  assert.deepEqual(known, { addresses: { 3: [b] }, workers: { '12:999': 3 } });
});

test('a worker that dies away while nobody looks is not taken for one of the present generation', () => {
  assert.deepEqual(withWorkers(emptyBook, [old({})], 3).workers, {});
});

test('of too many generations that hold only WebSockets the oldest are ended, and none that may hold a request', () => {
  const generations = Array.from({ length: 12 }, (_, index) => index + 1);
  const workers = generations.map((generation) =>
    old({
      id: `${generation}:1`,
      pid: generation,
      clients: 1,
      upstream: { [a]: generation === 2 ? { requests: 1, upgraded: 0 } : { requests: 0, upgraded: 1 } },
    }),
  );
  const known = {
    addresses: {},
    workers: Object.fromEntries(generations.map((number) => [`${number}:1`, number])),
  };
  const room = { workers: 8, bytes: 100 };
  const endedBy = (given: readonly Worker[], upgradedOnly: typeof room) =>
    workersToEnd(given, known, 13, { upgradedOnly, all: { workers: 100, bytes: 1000 } })
      .map((worker) => worker.pid)
      .toSorted((one, two) => one - two);
  assert.deepEqual(endedBy(workers, room), [1, 3, 4]);
  const heavy = workers.map((worker) => ({ ...worker, memoryBytes: 25 }));
  assert.deepEqual(endedBy(heavy, { ...room, workers: 100 }), [1, 3, 4, 5, 6, 7, 8]);
});

test('the share of memory is read where the kernel tells it', () => {
  const [worker] = parseWorkers(printed.replace('socket 292939', 'pss 2100\nsocket 292939'), rules) ?? [];
  assert.equal(worker?.memoryBytes, 2100 * 1024);
});

test('a client of HTTP/2 may have an upload beside what is with a replica: it counts for every address', () => {
  const busy = { clients: 1, multiplexed: 1, upstream: { [b]: { requests: 3, upgraded: 0 } } };
  assert.deepEqual(lingering(old(busy)), { [a]: { requests: 1, upgraded: 0 } });
  const plain = { ...busy, multiplexed: 0, upstream: { [b]: { requests: 1, upgraded: 0 } } };
  assert.deepEqual(lingering(old(plain)), {});
  const webSocket = { clients: 1, multiplexed: 1, upstream: { [b]: { requests: 0, upgraded: 1 } } };
  assert.deepEqual(lingering(old(webSocket)), {});
});

test('with HTTP/3 a worker that is shutting down may hold a connection that no table shows', () => {
  const [leaving, serving] =
    parseWorkers(printed, { ...rules, multiplexedPorts: [0xb197], hasHttp3: true }) ?? [];
  assert.deepEqual([leaving?.clients, leaving?.multiplexed], [2, 2]);
  assert.deepEqual([serving?.clients, serving?.multiplexed], [0, 0]);
  assert.equal(plainConnections(leaving ?? old({})), 1);
});
