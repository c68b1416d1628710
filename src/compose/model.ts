import type { Json } from './node.ts';

/*
 * The resolved Compose model: the JSON that `docker compose config --format json` prints (Compose 2.40), with dollar signs
 * single and with `x-` keys. Only what the translation reads is typed; everything else is in `raw`.
 */

export interface ComposeModel {
  readonly name: string;
  readonly services: Readonly<Record<string, ServiceModel>>;
  readonly networks?: Readonly<Record<string, NetworkModel>>;
  readonly volumes?: Readonly<Record<string, VolumeModel>>;
  readonly configs?: Readonly<Record<string, FileModel>>;
  readonly secrets?: Readonly<Record<string, FileModel>>;
}

/** Text to text; a variable without value is `null`. */
export type TextMap = Readonly<Record<string, string>>;

export interface ServiceModel {
  readonly annotations?: TextMap;
  readonly build?: BuildModel;
  readonly blkio_config?: BlkioModel;
  readonly cap_add?: readonly string[];
  readonly cap_drop?: readonly string[];
  readonly cgroup?: string;
  readonly cgroup_parent?: string;
  readonly command: readonly string[] | null;
  readonly configs?: readonly FileMountModel[];
  readonly container_name?: string;
  readonly cpu_count?: number;
  readonly cpu_percent?: number;
  readonly cpu_period?: number;
  readonly cpu_quota?: number;
  readonly cpu_rt_period?: number;
  readonly cpu_rt_runtime?: number;
  readonly cpu_shares?: number;
  readonly cpus?: number;
  readonly cpuset?: string;
  readonly depends_on?: Readonly<Record<string, DependencyModel>>;
  readonly deploy?: DeployModel;
  readonly device_cgroup_rules?: readonly string[];
  readonly devices?: readonly {
    readonly source: string;
    readonly target?: string;
    readonly permissions?: string;
  }[];
  readonly dns?: readonly string[];
  readonly dns_opt?: readonly string[];
  readonly dns_search?: readonly string[];
  readonly domainname?: string;
  readonly entrypoint: readonly string[] | null;
  readonly environment?: Readonly<Record<string, string | null>>;
  readonly expose?: readonly string[];
  /** `HOST=ADDRESS` */
  readonly extra_hosts?: readonly string[];
  readonly gpus?: readonly DeviceModel[];
  readonly group_add?: readonly string[];
  readonly healthcheck?: HealthModel;
  readonly hostname?: string;
  readonly image?: string;
  readonly init?: boolean;
  readonly ipc?: string;
  readonly isolation?: string;
  readonly labels?: TextMap;
  readonly links?: readonly string[];
  readonly logging?: { readonly driver?: string; readonly options?: TextMap };
  readonly mac_address?: string;
  readonly mem_limit?: string;
  readonly mem_reservation?: string;
  readonly mem_swappiness?: string;
  readonly memswap_limit?: string;
  readonly network_mode?: string;
  readonly networks?: Readonly<Record<string, { readonly aliases?: readonly string[] } | null>>;
  readonly oom_kill_disable?: boolean;
  readonly oom_score_adj?: number;
  readonly pid?: string;
  readonly pids_limit?: number;
  readonly platform?: string;
  readonly ports?: readonly PortModel[];
  readonly privileged?: boolean;
  readonly profiles?: readonly string[];
  readonly pull_policy?: string;
  readonly read_only?: boolean;
  readonly restart?: string;
  readonly runtime?: string;
  readonly scale?: number;
  readonly secrets?: readonly FileMountModel[];
  readonly security_opt?: readonly string[];
  readonly shm_size?: string;
  readonly stdin_open?: boolean;
  readonly stop_grace_period?: string;
  readonly stop_signal?: string;
  readonly storage_opt?: TextMap;
  readonly sysctls?: TextMap;
  readonly tmpfs?: readonly string[];
  readonly tty?: boolean;
  readonly ulimits?: UlimitsModel;
  readonly user?: string;
  readonly userns_mode?: string;
  readonly uts?: string;
  readonly post_start?: readonly HookModel[];
  readonly pre_stop?: readonly HookModel[];
  readonly volumes?: readonly VolumeMountModel[];
  readonly volumes_from?: readonly string[];
  readonly working_dir?: string;
  readonly 'x-seawall'?: Json;
}

export interface BuildModel {
  readonly context: string;
  readonly dockerfile?: string;
  readonly dockerfile_inline?: string;
  readonly args?: Readonly<Record<string, string | null>>;
  readonly labels?: TextMap;
  readonly cache_from?: readonly string[];
  readonly no_cache?: boolean | string;
  readonly pull?: boolean | string;
  readonly network?: string;
  readonly target?: string;
  readonly shm_size?: string;
  readonly extra_hosts?: readonly string[];
  readonly platforms?: readonly string[];
  readonly tags?: readonly string[];
  readonly additional_contexts?: TextMap;
  readonly secrets?: readonly FileMountModel[];
  readonly ssh?: readonly string[];
  readonly cache_to?: readonly string[];
  readonly ulimits?: UlimitsModel;
}

export type UlimitsModel = Readonly<
  Record<string, number | { readonly soft?: number; readonly hard?: number }>
>;

/** What `gpus` and `deploy.resources.reservations.devices` ask for. */
export interface DeviceModel {
  readonly capabilities?: readonly string[];
  readonly driver?: string;
  /** -1: all. */
  readonly count?: number;
  readonly device_ids?: readonly string[];
  readonly options?: TextMap;
}

export interface BlkioModel {
  readonly weight?: number | string;
  readonly weight_device?: readonly { readonly Path: string; readonly Weight: number | string }[];
  readonly device_read_bps?: readonly BlkioLimit[];
  readonly device_read_iops?: readonly BlkioLimit[];
  readonly device_write_bps?: readonly BlkioLimit[];
  readonly device_write_iops?: readonly BlkioLimit[];
}

export interface BlkioLimit {
  readonly Path: string;
  readonly Rate: number | string;
}

export interface DependencyModel {
  readonly condition: 'service_started' | 'service_healthy' | 'service_completed_successfully';
  readonly required?: boolean;
  readonly restart?: boolean | string;
}

export interface UpdateModel {
  readonly parallelism?: number | string;
  readonly delay?: string;
  readonly failure_action?: string;
  readonly monitor?: string;
  readonly max_failure_ratio?: number | string;
  readonly order?: 'start-first' | 'stop-first';
}

export interface DeployModel {
  readonly mode?: string;
  readonly endpoint_mode?: string;
  readonly replicas?: number;
  readonly labels?: TextMap;
  readonly update_config?: UpdateModel;
  readonly rollback_config?: UpdateModel;
  readonly resources?: {
    readonly limits?: { readonly cpus?: number; readonly memory?: string; readonly pids?: number };
    readonly reservations?: {
      readonly cpus?: number;
      readonly memory?: string;
      readonly devices?: readonly DeviceModel[];
    };
  };
  readonly restart_policy?: { readonly condition?: string; readonly max_attempts?: number | string };
  readonly placement?: {
    readonly constraints?: readonly string[];
    readonly max_replicas_per_node?: number | string;
  };
}

export interface HealthModel {
  readonly test?: readonly string[];
  readonly disable?: boolean;
  readonly interval?: string;
  readonly timeout?: string;
  readonly start_period?: string;
  readonly start_interval?: string;
  readonly retries?: number;
}

export interface PortModel {
  readonly mode?: string;
  readonly host_ip?: string;
  readonly target: number;
  readonly published?: string;
  readonly protocol?: string;
}

export interface VolumeMountModel {
  readonly type: 'bind' | 'volume' | 'tmpfs' | 'cluster' | 'npipe' | 'image';
  readonly source?: string;
  readonly target: string;
  readonly read_only?: boolean;
  readonly bind?: { readonly propagation?: string };
  readonly volume?: { readonly nocopy?: boolean; readonly subpath?: string; readonly labels?: TextMap };
  readonly tmpfs?: { readonly size?: string; readonly mode?: number | string };
}

export interface HookModel {
  readonly command: readonly string[] | null;
  readonly user?: string;
  readonly privileged?: boolean;
  readonly working_dir?: string;
  readonly environment?: Readonly<Record<string, string | null>>;
}

export interface FileMountModel {
  readonly source: string;
  readonly target?: string;
  readonly uid?: string;
  readonly gid?: string;
  readonly mode?: string;
}

export interface NetworkModel {
  readonly name: string;
  readonly driver?: string;
  readonly external?: boolean;
  readonly internal?: boolean;
}

export interface VolumeModel {
  readonly name: string;
  readonly driver?: string;
  readonly driver_opts?: TextMap;
  readonly external?: boolean;
  readonly labels?: TextMap;
}

/** A config or a secret. */
export interface FileModel {
  readonly name: string;
  readonly file?: string;
  readonly content?: string;
  readonly environment?: string;
  readonly external?: boolean;
}
