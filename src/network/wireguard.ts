import { join } from 'node:path';
import { HOST_PATH, OWN } from '../cluster.ts';
import { runCommand } from './command.ts';
import { parseWireguard, planWireguard, type WireguardWish } from './wireguard-plan.ts';

/** Names in the link's folder on a host, {@link HOST_PATH.link}. */
export const LINK_FILE = {
  /** Made by `machine setup` on the host; read by `wg` only. */
  privateKey: 'private.key',
  /** {@link import('./link-program.ts').ProgramWish}, written by the agent for `seawall-link`. */
  wish: 'wish.json',
} as const;

/**
 * Makes WireGuard on the link's device what it should be, in the kernel or through the program's socket.
 * @returns the commands that were needed. Throws `refused` when one fails.
 */
export async function applyWireguard(wish: WireguardWish, signal?: AbortSignal): Promise<string[][]> {
  const call = signal === undefined ? {} : { signal };
  const dump = await runCommand(['wg', 'show', OWN.link, 'dump'], call);
  const keyFile = join(HOST_PATH.link, LINK_FILE.privateKey);
  const commands = planWireguard(wish, parseWireguard(dump, Date.now() / 1000), keyFile);
  for (const argv of commands) await runCommand(argv, call);
  return commands;
}
