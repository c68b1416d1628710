import { SeawallError } from '../errors.ts';
import { runCommand, tryCommand } from './command.ts';
import { JUMPS, type Jump, jumpArguments } from './rules.ts';

/** The two forms of iptables, each with tables of its own; what one writes the other does not see. */
type IptablesVariant = 'nft' | 'legacy';

/**
 * The variant whose tables hold Docker's DOCKER-USER chain: dockerd uses whichever its host's `iptables` is. Throws
 * `refused` when neither has it: rules anywhere else would look applied and filter nothing.
 */
async function detectVariant(signal?: AbortSignal): Promise<IptablesVariant> {
  const call = signal === undefined ? {} : { signal };
  for (const variant of ['nft', 'legacy'] as const) {
    const { code } = await tryCommand([`iptables-${variant}`, '-w', '5', '-S', 'DOCKER-USER'], call);
    if (code === 0) return variant;
  }
  throw new SeawallError('refused', 'Docker has made no DOCKER-USER chain in iptables on this host', {
    hint: 'Seawall needs dockerd with "iptables": true and, from Engine 29, "firewall-backend": "iptables" in /etc/docker/daemon.json.',
  });
}

/**
 * Keeps a host's rules in place. What the kernel lists after an application is remembered: a later difference means
 * that somebody changed them.
 */
export class HostRules {
  #listed = '';
  #text = '';

  /**
   * Puts the rules in place if they are not. Throws `refused` when iptables does not accept them; the former ones
   * then stay whole.
   * @returns whether something had to be done
   */
  async apply(text: string, signal?: AbortSignal): Promise<boolean> {
    const call = signal === undefined ? {} : { signal };
    const variant = await detectVariant(signal);
    let changed = false;
    if (text !== this.#text || (await listRules(variant, signal)) !== this.#listed) {
      await runCommand([`iptables-${variant}-restore`, '-w', '5', '--noflush'], { ...call, input: text });
      this.#text = text;
      this.#listed = await listRules(variant, signal);
      changed = true;
    }
    for (const jump of JUMPS) changed = (await ensureJump(variant, jump, signal)) || changed;
    return changed;
  }
}

async function ensureJump(variant: IptablesVariant, jump: Jump, signal?: AbortSignal): Promise<boolean> {
  const call = signal === undefined ? {} : { signal };
  const program = `iptables-${variant}`;
  if ((await tryCommand([program, ...jumpArguments(jump, 'check')], call)).code === 0) return false;
  await runCommand([program, ...jumpArguments(jump, 'insert')], call);
  return true;
}

/** Every rule of Seawall's chains as the kernel has them, without the jumps into them and without counters. */
async function listRules(variant: IptablesVariant, signal?: AbortSignal): Promise<string> {
  const call = signal === undefined ? {} : { signal };
  const tables = await Promise.all(
    ['filter', 'nat', 'mangle'].map((table) =>
      runCommand([`iptables-${variant}`, '-w', '5', '-t', table, '-S'], call),
    ),
  );
  return tables
    .join('')
    .split('\n')
    .filter((line) => /^-[NA] SEAWALL-/.test(line))
    .join('\n');
}
