import { runCommand, tryCommand } from './command.ts';
import { bridgeName, folderLabel, labLabel, labPrefix } from './lab.ts';
import { foreignImage } from './recipes.ts';
import { freeRange, type LabRange } from './subnets.ts';

const createAttempts = 5;

/** The lab's network as it exists on the engine; the second range is absent where IPv6 is. */
export interface LabNetwork {
  readonly subnet: string;
  readonly subnet6?: string;
}

/** Finds the lab's network or makes it, in a range that no other network of the engine uses. */
export async function ensureNetwork(lab: string, stateDir: string): Promise<LabNetwork> {
  for (let attempt = 1; ; attempt += 1) {
    const existing = await findNetwork(lab);
    if (existing) return existing;
    const range = freeRange(await usedSubnets());
    try {
      await createNetwork(lab, stateDir, range);
    } catch (error) {
      // Another lab may have taken the range in between.
      if (attempt === createAttempts) throw error;
    }
  }
}

async function findNetwork(lab: string): Promise<LabNetwork | undefined> {
  const subnets = await networkSubnets([labPrefix(lab)]);
  const subnet = subnets.find((range) => !range.includes(':'));
  const subnet6 = subnets.find((range) => range.includes(':'));
  return subnet ? { subnet, ...(subnet6 ? { subnet6 } : {}) } : undefined;
}

async function usedSubnets(): Promise<string[]> {
  const names = await runCommand('docker', ['network', 'ls', '--quiet']);
  return networkSubnets(names.split('\n').filter(Boolean));
}

async function networkSubnets(networks: readonly string[]): Promise<string[]> {
  const format = '{{range .IPAM.Config}}{{.Subnet}} {{end}}';
  const listed = await tryCommand('docker', ['network', 'inspect', '--format', format, ...networks]);
  return listed.stdout.split(/\s+/).filter(Boolean);
}

async function createNetwork(lab: string, stateDir: string, range: LabRange): Promise<void> {
  const args = ['network', 'create', '--subnet', range.subnet];
  args.push('--label', `${labLabel}=${lab}`, '--label', `${folderLabel}=${stateDir}`);
  args.push('--opt', `com.docker.network.bridge.name=${bridgeName(lab)}`, labPrefix(lab));
  const both = await tryCommand('docker', [...args, '--ipv6', '--subnet', range.subnet6]);
  if (both.code !== 0) await runCommand('docker', args);
}

/** Programs that change the outer engine's own network run in a container, so that no root is needed here. */
function onOuterNetwork(script: string, ...args: string[]): string[] {
  const run = ['run', '--rm', '--network', 'host', '--cap-add', 'NET_ADMIN', '--label', 'seawall.lab.tool=1'];
  return [...run, '--entrypoint', 'sh', foreignImage, '-ec', script, 'sh', ...args];
}

const closeScript = `
for program in "iptables -w" "ip6tables -w"; do
  chain=DOCKER-USER
  $program -nL $chain >/dev/null 2>&1 || chain=FORWARD
  $program -C $chain -i "$1" ! -o "$1" -j REJECT 2>/dev/null || $program -I $chain -i "$1" ! -o "$1" -j REJECT
done`;

const openScript = `
for program in "iptables -w" "ip6tables -w"; do
  for chain in DOCKER-USER FORWARD; do
    while $program -D $chain -i "$1" ! -o "$1" -j REJECT 2>/dev/null; do :; done
  done
done`;

/** Lets no packet of the lab leave for the world outside; what tries is told so at once. False when it could not. */
export async function closeUplink(bridge: string): Promise<boolean> {
  return (await tryCommand('docker', onOuterNetwork(closeScript, bridge))).code === 0;
}

/** Removes what {@link closeUplink} added. */
export async function reopenUplink(bridge: string): Promise<void> {
  await tryCommand('docker', onOuterNetwork(openScript, bridge));
}

const plugScript = `
cable=$(ip -o link | sed -n "s/^$1: \\([^@:]*\\).*/\\1/p")
if [ "$2" ]; then ip link set dev "$cable" master "$2"; else ip link set dev "$cable" nomaster; fi`;

/**
 * Plugs the machine's cable into the lab's switch or pulls it out. The machine keeps its interface and
 * address and sees a link; the packets go nowhere, as behind a broken switch.
 */
export async function plugCable(container: string, bridge: string | undefined): Promise<void> {
  const index = await runCommand('docker', ['exec', container, 'cat', '/sys/class/net/eth0/iflink']);
  await runCommand('docker', onOuterNetwork(plugScript, index, bridge ?? ''));
}
