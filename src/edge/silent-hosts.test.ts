import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProbeHistory } from './admission.ts';
import type { Candidate } from './candidates.ts';
import { SilentHosts, silentCandidates } from './silent-hosts.ts';

const candidate = (address: string, hostAddress?: string): Candidate => ({
  address,
  probe: { kind: 'tcp' },
  isReady: true,
  ...(hostAddress === undefined ? {} : { hostAddress }),
});
const gone = candidate('10.208.48.130:8000', '10.208.48.1');
const well = candidate('10.208.32.130:8000', '10.208.32.1');
const silent: ProbeHistory = { good: 0, bad: 2, isAdmitted: true, silent: 2 };
const good: ProbeHistory = { good: 5, bad: 0, isAdmitted: true };
const lists = new Map([['u', [gone, well]]]);

test('a replica that nothing answers for is silent only while another one serves', () => {
  const seen = (second: ProbeHistory, inForce: readonly string[]) =>
    silentCandidates(
      lists,
      new Map([
        [gone.address, silent],
        [well.address, second],
      ]),
      new Map([['u', inForce]]),
    ).map(({ address }) => address);
  assert.deepEqual(seen(good, [well.address]), [gone.address]);
  // This edge itself may be cut off: connections could come to life again.
  assert.deepEqual(seen(silent, [gone.address, well.address]), []);
});

test('a replica that refuses is not silent: its requests may still be answered', () => {
  const refuses: ProbeHistory = { good: 0, bad: 5, isAdmitted: true };
  const histories = new Map([
    [gone.address, refuses],
    [well.address, good],
  ]);
  assert.deepEqual(silentCandidates(lists, histories, new Map([['u', [well.address]]])), []);
});

async function cutBy(answer: { ok: boolean; isSilent?: true }, times = 1): Promise<string[]> {
  const cut: string[] = [];
  const hosts = new SilentHosts({
    log: () => undefined,
    lookAt: async () => answer,
    cut: async (address) => void cut.push(address),
  });
  for (let turn = 0; turn < times; turn++) await hosts.see([gone]);
  return cut;
}

test('connections are ended once, and only when the host itself does not answer', async () => {
  assert.deepEqual(await cutBy({ ok: false, isSilent: true }, 3), [gone.address]);
  assert.deepEqual(await cutBy({ ok: true }), []);
  // A host without its server process refuses: it lives.
  assert.deepEqual(await cutBy({ ok: false }), []);
});
