import type { EdgeRules, LinkKind, MetricsRules } from '../cluster.ts';
import type { ClusterSetting } from '../cluster-settings.ts';
import type { CertificateSettings } from './certificate-settings.ts';

/** seawall.yml with every default filled in. */
export interface Config {
  /** Absolute path of the last seawall.yml that was read; absent when there is none. */
  readonly file?: string;
  /** In the order of the file; never empty. */
  readonly hosts: readonly HostConfig[];
  /** Absolute path of an ssh configuration to use instead of the user's own. */
  readonly sshConfig?: string;
  readonly network: NetworkConfig;
  readonly edge: { readonly image: string; readonly httpPort: number; readonly rules: EdgeRules };
  /** Absent: no metrics are given. */
  readonly metrics?: MetricsRules;
  /** What of the cluster's settings the file writes. */
  readonly written: readonly ClusterSetting[];
  /** Setting → the project whose word on it counts; absent as long as it is not known what the cluster has. */
  readonly settledBy?: Readonly<Record<string, string>>;
  /** How certificates are come by that no route names, from the top-level `tls`; secrets as SHA-256, as in Desired. */
  readonly certificates: CertificateSettings;
  readonly agent: { readonly baseImage: string; readonly buildNetwork?: string };
  /** `diskBytes`: of earlier releases' images on each host; absent: no limit. */
  readonly keep: { readonly releases: number; readonly diskBytes?: number };
}

export interface NetworkConfig {
  /** A /12; absent: the first `machine setup` chooses one that is free on every host. */
  readonly range?: string;
  /** `auto` is decided by `machine setup`: `none` for one host; else by the kernels and addresses. */
  readonly link: LinkKind | 'auto';
  /** UDP port of the link; absent: the usual one of its kind. */
  readonly port?: number;
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
