import { createHash } from 'node:crypto';
import { join } from 'node:path';

/** One machine of a lab, as `hosts.json` records it. */
export interface LabHost {
  /** `host1`, `host2`, … or `foreign`. */
  readonly name: string;
  /** `host` runs Docker; `foreign` is the machine that probes from outside. */
  readonly role: 'host' | 'foreign';
  readonly address: string;
  /** The address of version 6; absent where the outer engine has none. */
  readonly address6?: string;
  /** Who logs in by ssh. `deploy`, a user with sudo and the docker group, takes the same key. */
  readonly user: string;
  readonly port: number;
  /** The private key's file. */
  readonly key: string;
  /** The container that plays the machine, on the outer engine. */
  readonly container: string;
  /** The version of the Docker Engine inside; absent on the foreign host. */
  readonly engine?: string;
}

/** A lab, as `hosts.json` records it. */
export interface Lab {
  readonly name: string;
  /** The folder of `hosts.json`, `ssh_config` and the keys. */
  readonly stateDir: string;
  readonly sshConfig: string;
  /** The network that the machines share, and the bridge that is its switch on the outer engine. */
  readonly network: string;
  readonly bridge: string;
  readonly subnet: string;
  readonly hosts: readonly LabHost[];
}

/** Marks every container, volume and network of a lab; its value is the lab's name. */
export const labLabel = 'seawall.lab';
/** Names the state folder that a lab belongs to. */
export const folderLabel = 'seawall.lab.folder';

/** Marks what a test put into a lab's network beside the machines; its value is the lab's name. It goes with the lab. */
export const besideLabel = 'seawall.lab.beside';

/** The one name of a lab's network, and the start of the names of its containers and volumes. */
export function labPrefix(lab: string): string {
  return `seawall-lab-${lab}`;
}

/** The bridge's name: an interface takes 15 characters, a lab's name may have more. */
export function bridgeName(lab: string): string {
  return `swlab-${createHash('sha256').update(lab).digest('hex').slice(0, 8)}`;
}

/** Where a lab of this name keeps its state below `root`: the default one directly, the others by name. */
export function stateFolder(root: string, lab: string): string {
  return lab === 'default' ? root : join(root, lab);
}

export function hostNames(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `host${index + 1}`);
}

/** The addresses of a machine in the lab's ranges: hostN ends in 10+N, the foreign host in 9. */
export function machineAddress(
  ranges: { readonly subnet: string; readonly subnet6?: string },
  machine: string,
): { address: string; address6?: string } {
  const last = machine === 'foreign' ? 9 : 10 + Number(machine.slice('host'.length));
  const address = ranges.subnet.replace(/0\/24$/, String(last));
  if (!ranges.subnet6) return { address };
  return { address, address6: ranges.subnet6.replace(/\/64$/, last.toString(16)) };
}

/** The ssh configuration with which `ssh -F FILE host1` reaches the lab, and asks nothing of the user's own. */
export function renderSshConfig(hosts: readonly LabHost[], knownHosts: string): string {
  const blocks = hosts.map((host) =>
    [
      `Host ${host.name}`,
      `  HostName ${host.address}`,
      `  Port ${host.port}`,
      `  User ${host.user}`,
      `  IdentityFile "${host.key}"`,
      '  IdentitiesOnly yes',
      `  UserKnownHostsFile "${knownHosts}"`,
      '  GlobalKnownHostsFile none',
      '  StrictHostKeyChecking yes',
      '  PreferredAuthentications publickey',
      '  ConnectTimeout 10',
      '',
    ].join('\n'),
  );
  return blocks.join('\n');
}
