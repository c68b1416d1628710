import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseWrk } from './wrk.ts';

const printed = `Running 4s test @ http://10.99.4.11:80/
  2 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     4.94ms   12.93ms 168.45ms   95.23%
    Req/Sec     6.83k     2.83k   13.26k    63.75%
  Latency Distribution
     50%    2.03ms
     75%    3.39ms
     90%    7.73ms
     99%    1.20s
  54570 requests in 4.04s, 65.36MB read
  Socket errors: connect 1, read 2, write 3, timeout 4
  Non-2xx or 3xx responses: 5
Requests/sec:  13506.35
Transfer/sec:     16.18MB
`;

test('what wrk prints is read, with every kind of failure counted', () => {
  assert.deepEqual(parseWrk(printed), {
    requests: 54570,
    requestsPerSecond: 13506.35,
    p50Ms: 2.03,
    p99Ms: 1200,
    failed: 15,
  });
});

test('what is no report of wrk is an error, and not a proxy that answered nothing', () => {
  assert.throws(() => parseWrk('unable to connect'), /something else/);
  assert.equal(parseWrk('  0 requests in 4.00s, 0.00B read\nRequests/sec: 0.00').requests, 0);
});
