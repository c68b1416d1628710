import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type {
  CertificateRecord,
  CertificateState,
  CertificateWish,
  IssuerRecord,
  OrderState,
} from '../catalog/tls-record.ts';
import { decide, KEEP_UNWISHED_MS } from './policy.ts';
import { DAY_MS, HOUR_MS } from './renewal.ts';
import { type Decision, type OrderTask, restKey, type Situation, taskId } from './task.ts';

const NOW = Date.parse('2026-03-01T00:00:00Z');
const iso = (ms: number): string => new Date(ms).toISOString();
const main: IssuerRecord = {
  name: 'main',
  directory: 'https://main.test/dir',
  staging: 'https://staging.test/dir',
};
const other: IssuerRecord = { name: 'other', directory: 'https://other.test/dir' };

const wish = (more: Partial<CertificateWish> = {}): CertificateWish => ({
  ...{
    id: 'a.test',
    names: ['a.test'],
    source: 'acme',
    issuers: [main, other],
    challenge: 'http',
    keys: ['ecdsa'],
  },
  ...more,
});
const key = (type: 'ecdsa' | 'rsa') => ({ type, chain: '', key: '', fingerprint: '', serial: '' });
const live = (more: Partial<CertificateRecord> = {}): CertificateRecord => ({
  ...{
    id: 'a.test',
    names: ['a.test'],
    source: 'acme',
    issuer: 'main',
    isInterim: false,
    keys: [key('ecdsa')],
  },
  ...{ notBefore: iso(NOW - 10 * DAY_MS), notAfter: iso(NOW + 80 * DAY_MS) },
  ...more,
});
const interim = live({ source: 'internal', issuer: 'internal', isInterim: true });
const state = (more: Partial<CertificateState> = {}): CertificateState => ({
  ...{ id: 'a.test', failures: 0, warnings: [] },
  ...more,
});
/** Everything is planned, the next question to the CA too. */
const settled = state({
  renewAt: iso(NOW + 50 * DAY_MS),
  renewReason: 'ari',
  ari: { start: iso(NOW), end: iso(NOW), askAt: iso(NOW + 6 * HOUR_MS) },
});

interface Given extends Partial<Omit<Situation, 'live' | 'states' | 'wishes'>> {
  readonly wish?: CertificateWish;
  readonly live?: CertificateRecord;
  readonly state?: CertificateState;
}

function given({ wish: wished, live: served, state: known, ...more }: Given): Decision {
  return decide({
    wishes: wished === undefined ? [] : [wished],
    live: new Map(served === undefined ? [] : [[served.id, served]]),
    states: new Map(known === undefined ? [] : [[known.id, known]]),
    ...{ requests: new Map(), resting: new Map(), handledFiles: new Map(), now: NOW },
    ...more,
  });
}

const only = (decision: Decision) => {
  assert.equal(decision.tasks.length, 1, JSON.stringify(decision));
  return decision.tasks[0];
};
const order = (decision: Decision): OrderTask => {
  const task = only(decision);
  assert.equal(task?.kind, 'order', JSON.stringify(decision));
  return task as OrderTask;
};

test('a wish without a certificate gets one of the private CA first, then an order that is rehearsed', () => {
  assert.equal(only(given({ wish: wish() }))?.kind, 'interim');
  const task = order(given({ wish: wish(), live: interim }));
  assert.deepEqual([task.why, task.rehearses, task.keyType], ['missing', true, 'ecdsa']);
  assert.deepEqual(task.issuers, [main, other]);
});

test('names that were rehearsed, or that the served certificate has proven, are not rehearsed again', () => {
  const rehearsed = state({ rehearsedNames: ['a.test'] });
  assert.equal(order(given({ wish: wish(), live: interim, state: rehearsed })).rehearses, false);
  const due = { ...settled, renewAt: iso(NOW - 1) };
  assert.equal(order(given({ wish: wish(), live: live(), state: due })).rehearses, false);
  const more = wish({ names: ['a.test', 'b.test'] });
  assert.equal(order(given({ wish: more, live: live(), state: settled })).rehearses, true);
  assert.equal(order(given({ wish: wish({ issuers: [other] }), live: interim })).rehearses, false);
});

test('what a wish lacks is ordered: names, source, issuer, a kind of key', () => {
  const why = (wished: CertificateWish, served: CertificateRecord) => {
    const task = order(given({ wish: wished, live: served, state: settled }));
    return [task.why, task.keyType];
  };
  assert.deepEqual(why(wish({ names: ['a.test', 'b.test'] }), live()), ['names', 'ecdsa']);
  assert.deepEqual(why(wish(), live({ source: 'internal', issuer: 'internal' })), ['source', 'ecdsa']);
  assert.deepEqual(why(wish({ issuers: [other] }), live()), ['issuer', 'ecdsa']);
  assert.deepEqual(why(wish({ keys: ['ecdsa', 'rsa'] }), live()), ['key', 'rsa']);
});

test('nothing is due while all is well, and the next moment is known', () => {
  assert.deepEqual(given({ wish: wish(), live: live(), state: settled }), {
    tasks: [],
    wakeAt: NOW + 6 * HOUR_MS,
  });
});

test('the CA is asked when to renew: after issuance and when it said so', () => {
  assert.equal(only(given({ wish: wish(), live: live(), state: state() }))?.kind, 'ask');
  assert.equal(
    only(given({ wish: wish(), live: live(), state: settled, now: NOW + 6 * HOUR_MS }))?.kind,
    'ask',
  );
  const resting = new Map([[restKey('ask', 'a.test'), NOW + HOUR_MS]]);
  const planned = state({ renewAt: iso(NOW + DAY_MS), renewReason: 'lifetime' });
  assert.deepEqual(given({ wish: wish(), live: live(), state: planned, resting }), {
    tasks: [],
    wakeAt: NOW + HOUR_MS,
  });
});

test('a renewal takes every kind of key in turn', () => {
  const due = { ...settled, renewAt: iso(NOW - 1) };
  const both = wish({ keys: ['ecdsa', 'rsa'] });
  const served = live({ keys: [key('ecdsa'), key('rsa')] });
  assert.equal(order(given({ wish: both, live: served, state: due })).keyType, 'ecdsa');
  assert.equal(
    order(given({ wish: both, live: served, state: { ...due, renewed: ['ecdsa'] } })).keyType,
    'rsa',
  );
});

test('a failure waits for its time, a renewal that is held back does not hold up a new name', () => {
  const nextTryAt = iso(NOW + HOUR_MS);
  const failed = state({ failures: 1, nextTryAt });
  assert.deepEqual(given({ wish: wish(), live: interim, state: failed }).tasks, []);
  const held = { ...settled, nextTryAt };
  assert.equal(
    order(given({ wish: wish({ names: ['a.test', 'b.test'] }), live: live(), state: held })).why,
    'names',
  );
  assert.deepEqual(
    given({ wish: wish(), live: live(), state: { ...held, renewAt: iso(NOW - 1) } }).tasks,
    [],
  );
});

test('an issuer that asked to be left alone is left out, until it is the last one', () => {
  const holds = { [main.directory]: iso(NOW + HOUR_MS) };
  assert.deepEqual(
    order(given({ wish: wish(), live: interim, state: state({ issuerHolds: holds }) })).issuers,
    [other],
  );
  const alone = given({
    wish: wish({ issuers: [main] }),
    live: interim,
    state: state({ issuerHolds: holds }),
  });
  assert.deepEqual(alone.tasks, []);
  assert.equal(alone.wakeAt, NOW + HOUR_MS);
});

test('an order that another leader began is taken up as it was, or abandoned when its issuer is not wished any more', () => {
  const begun: OrderState = {
    ...{ issuer: 'other', directory: other.directory, isRehearsal: false, key: '', startedAt: iso(NOW) },
    keyType: 'ecdsa',
  };
  const task = order(given({ wish: wish(), live: interim, state: state({ order: begun }) }));
  assert.deepEqual([task.why, task.issuers[0], task.rehearses], ['resumed', other, false]);
  const gone = given({ wish: wish({ issuers: [main] }), live: interim, state: state({ order: begun }) });
  assert.equal(only(gone)?.kind, 'abandon');
});

test('the private CA issues what is wished of it and renews it by the same rule', () => {
  const internal = wish({ source: 'internal', issuers: [] });
  assert.equal(only(given({ wish: internal }))?.kind, 'internal');
  const served = live({ source: 'internal', issuer: 'internal' });
  const planned = state({ renewAt: iso(NOW + DAY_MS) });
  assert.deepEqual(given({ wish: internal, live: served, state: planned }), {
    tasks: [],
    wakeAt: NOW + DAY_MS,
  });
  assert.equal(
    only(given({ wish: internal, live: served, state: planned, now: NOW + DAY_MS }))?.kind,
    'internal',
  );
});

test('given files are looked at once, and the private CA serves while they are no good', () => {
  const files = wish({ source: 'files', issuers: [], files: 'sw1.x' });
  assert.equal(only(given({ wish: files }))?.kind, 'files');
  const handledFiles = new Map([['a.test', 'sw1.x']]);
  assert.equal(only(given({ wish: files, handledFiles }))?.kind, 'interim');
  assert.deepEqual(
    given({ wish: files, handledFiles, live: live({ source: 'files', issuer: 'files' }) }).tasks,
    [],
  );
});

test('what nobody wishes any more is kept for a week and found again by who wishes it meanwhile', () => {
  assert.equal(only(given({ live: live() }))?.kind, 'unwished');
  const since = state({ unwishedSince: iso(NOW) });
  assert.deepEqual(given({ live: live(), state: since }), { tasks: [], wakeAt: NOW + KEEP_UNWISHED_MS });
  assert.equal(only(given({ live: live(), state: since, now: NOW + KEEP_UNWISHED_MS }))?.kind, 'forget');
  assert.equal(only(given({ wish: wish(), live: live(), state: since }))?.kind, 'wished');
});

test('a request goes before everything else that concerns its certificate', () => {
  const request = { kind: 'renew', request: 'r1', by: 'ann', at: iso(NOW) } as const;
  const requests = new Map([['a.test', request]]);
  const task = only(
    given({
      wish: wish(),
      live: live(),
      state: state({ failures: 9, nextTryAt: iso(NOW + DAY_MS) }),
      requests,
    }),
  );
  assert.equal(task?.kind, 'request');
});

test('what serves nothing goes first, then what ends first', () => {
  const due = (id: string) => ({ ...settled, id, renewAt: iso(NOW - 1) });
  const wishes = ['a.test', 'b.test', 'c.test'].map((id) => wish({ id, names: [id] }));
  const decision = decide({
    ...{ wishes, requests: new Map(), resting: new Map(), handledFiles: new Map(), now: NOW },
    live: new Map([
      ['a.test', live({ id: 'a.test', names: ['a.test'] })],
      ['b.test', live({ id: 'b.test', names: ['b.test'], notAfter: iso(NOW + DAY_MS) })],
    ]),
    states: new Map(['a.test', 'b.test'].map((id) => [id, due(id)])),
  });
  assert.deepEqual(decision.tasks.map(taskId), ['c.test', 'b.test', 'a.test']);
});

test('whatever the state: at most one task per certificate, never one that rests, and no time in the past to wake at', () => {
  const time = fc.integer({ min: -100, max: 100 }).map((hours) => iso(NOW + hours * HOUR_MS));
  const states = fc.record(
    {
      failures: fc.nat(5),
      nextTryAt: time,
      renewAt: time,
      renewReason: fc.constantFrom('ari', 'lifetime', 'asked'),
      unwishedSince: time,
      ari: fc.record({ start: time, end: time, askAt: time }),
      renewed: fc.subarray(['ecdsa', 'rsa'] as const),
      issuerHolds: fc.dictionary(fc.constantFrom(main.directory, other.directory), time),
      rehearsedNames: fc.subarray(['a.test', 'b.test']),
    },
    { requiredKeys: ['failures'] },
  );
  const records = fc.record({
    names: fc.constantFrom(['a.test'], ['a.test', 'b.test']),
    source: fc.constantFrom('acme', 'internal', 'files'),
    issuer: fc.constantFrom('main', 'other', 'internal', 'gone'),
    isInterim: fc.boolean(),
    keys: fc.subarray([key('ecdsa'), key('rsa')], { minLength: 1 }),
    notBefore: time,
    notAfter: time,
  });
  const wishes = fc.record({
    source: fc.constantFrom('acme', 'internal', 'files'),
    issuers: fc.subarray([main, other]),
    keys: fc.subarray(['ecdsa', 'rsa'] as const, { minLength: 1 }),
  });
  const maybe = <T>(from: fc.Arbitrary<T>) => fc.option(from, { nil: undefined });
  fc.assert(
    fc.property(
      maybe(wishes),
      maybe(records),
      maybe(states),
      fc.boolean(),
      (wished, served, known, rests) => {
        const kinds = [
          'interim',
          'internal',
          'files',
          'order',
          'ask',
          'abandon',
          'unwished',
          'wished',
          'forget',
        ] as const;
        const resting = new Map(
          rests ? kinds.map((kind) => [restKey(kind, 'a.test'), NOW + 1] as const) : [],
        );
        const decision = given({
          ...(wished === undefined ? {} : { wish: wish(wished as Partial<CertificateWish>) }),
          ...(served === undefined ? {} : { live: live(served as Partial<CertificateRecord>) }),
          ...(known === undefined ? {} : { state: state(known as Partial<CertificateState>) }),
          resting,
        });
        assert.ok(decision.tasks.length <= 1);
        if (rests) assert.deepEqual(decision.tasks, []);
        if (decision.wakeAt !== undefined) assert.ok(decision.wakeAt > NOW, JSON.stringify(decision));
      },
    ),
    { numRuns: 2_000 },
  );
});
