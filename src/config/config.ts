import type { LinkKind } from '../cluster.ts';

/** seawall.yml with every default filled in. */
export interface Config {
  /** Absolute path of the last seawall.yml that was read; absent when there is none. */
  readonly file?: string;
  /** In the order of the file; never empty. */
  readonly hosts: readonly HostConfig[];
  /** Absolute path of an ssh configuration to use instead of the user's own. */
  readonly sshConfig?: string;
  /** `auto` is decided by the number of hosts: `none` for one, `vxlan` for several. */
  readonly network: { readonly range: string; readonly link: LinkKind };
  readonly edge: { readonly image: string; readonly httpPort: number };
  readonly agent: { readonly baseImage: string; readonly buildNetwork?: string };
  readonly keep: { readonly releases: number };
}

export interface HostConfig {
  readonly name: string;
  /** Destination as for ssh(1); absent: the Docker of this machine, through its local socket. */
  readonly ssh?: string;
  /** IPv4 address at which the other hosts reach it; `127.0.0.1` for a single host that does not say. */
  readonly address: string;
  readonly roles: readonly ('app' | 'edge')[];
  readonly labels: Readonly<Record<string, string>>;
}
