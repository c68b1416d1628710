import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HOST_PATH, OWN } from '../cluster.ts';
import { describeError } from '../errors.ts';
import { reportOnce } from '../report-once.ts';
import { Wake } from '../wake.ts';
import { runCommand, tryCommand } from './command.ts';
import { readSnapshot } from './snapshot.ts';
import { applyWireguard, LINK_FILE } from './wireguard.ts';
import type { WireguardWish } from './wireguard-plan.ts';

/** What the agent asks of the program that runs WireGuard in user space. */
export interface ProgramWish extends WireguardWish {
  /** Bytes. */
  readonly mtu: number;
}

export interface LinkProgramOptions {
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
  /** What is wrong at the moment; empty: nothing. */
  readonly onState: (problem: string) => void;
}

const LOOK_MS = 250;
/** What the agent wrote last, whatever happens to files' notices. */
const SETTLED_MS = 5_000;

/**
 * Runs WireGuard in user space on the device `seawall0`, which it makes when there is none: addresses and routes are
 * the agent's. The device outlives the program, so that a restart costs the packets of a moment and no route.
 * @returns once the signal is aborted, or when the program has ended by itself; throws when it cannot be started.
 */
export async function runLinkProgram(options: LinkProgramOptions): Promise<void> {
  const { signal, onState } = options;
  onState('WireGuard does not run yet');
  if (!(await waitForDevice(options))) return;
  const program = spawn('wireguard-go', ['--foreground', OWN.link], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const ended = Promise.withResolvers<string>();
  program.on('error', (error) => ended.resolve(error.message));
  program.on('close', (code, by) => ended.resolve(`ended with ${code ?? by}`));
  const end = new AbortController();
  void ended.promise.then(() => end.abort());
  try {
    await followWish(options, AbortSignal.any([signal, end.signal]));
  } finally {
    program.kill();
    const how = await ended.promise;
    onState(`wireguard-go ${how}`);
    if (!signal.aborted) options.log(`error link: wireguard-go ${how}`);
  }
}

/** Another kind of link may still be there: the agent takes it away when it is time. */
async function waitForDevice({ signal, onState }: LinkProgramOptions): Promise<boolean> {
  const wake = new Wake();
  while (!signal.aborted) {
    const kind = await deviceState(signal);
    if (kind === 'tun') return true;
    if (kind === 'absent') {
      await runCommand(['ip', 'tuntap', 'add', 'dev', OWN.link, 'mode', 'tun'], { signal });
      // No IPv6 address of its own: nothing of the private network is reachable over IPv6.
      await runCommand(['ip', 'link', 'set', 'dev', OWN.link, 'addrgenmode', 'none'], { signal });
      return true;
    }
    onState(`${OWN.link} is another kind of link still`);
    await wake.wait(LOOK_MS, signal);
  }
  return false;
}

async function deviceState(signal: AbortSignal): Promise<'tun' | 'other' | 'absent'> {
  const { code } = await tryCommand(['ip', 'link', 'show', 'dev', OWN.link], { signal });
  if (code !== 0) return 'absent';
  const isTun = await readFile(`/sys/class/net/${OWN.link}/tun_flags`).catch(() => undefined);
  return isTun === undefined ? 'other' : 'tun';
}

/** Does what the agent wishes as soon as it is written. */
async function followWish({ log, onState }: LinkProgramOptions, signal: AbortSignal): Promise<void> {
  const wake = new Wake();
  const onError = reportOnce((text) => log(`warn link: ${text}`)).report;
  let done = '';
  let doneAt = 0;
  while (!signal.aborted) {
    const wish = await readSnapshot<ProgramWish>(join(HOST_PATH.link, LINK_FILE.wish));
    const text = JSON.stringify(wish) ?? '';
    const isDue = text !== done || performance.now() - doneAt > SETTLED_MS;
    try {
      if (wish === undefined) onState('the agent has not said yet what the link should be');
      else if (isDue) {
        const commands = await applyWireguard(wish, signal);
        // The program sets a size of its own when it starts.
        const size = await readFile(`/sys/class/net/${OWN.link}/mtu`, 'utf8');
        if (Number(size) !== wish.mtu)
          await runCommand(['ip', 'link', 'set', 'dev', OWN.link, 'mtu', String(wish.mtu)], { signal });
        if (commands.length > 0)
          log(`info link: WireGuard on port ${wish.port} with ${wish.peers.length} peers`);
        done = text;
        doneAt = performance.now();
        onState('');
      }
    } catch (error) {
      if (signal.aborted) return;
      onState(describeError(error));
      onError(error);
    }
    await wake.wait(LOOK_MS, signal);
  }
}
