/** The fields of Docker's answers that Seawall reads; engines 20.10 to 29 send them all unless marked. */

export interface VersionInfo {
  readonly Version: string;
  readonly ApiVersion: string;
  readonly Os: string;
  readonly Arch: string;
  readonly KernelVersion?: string;
}

export interface SystemInfo {
  readonly ID: string;
  readonly Name: string;
  readonly ServerVersion: string;
  readonly OperatingSystem: string;
  readonly OSType: string;
  /** As the kernel says it: `x86_64`, `aarch64`. */
  readonly Architecture: string;
  readonly NCPU: number;
  /** Bytes. */
  readonly MemTotal: number;
  readonly DockerRootDir: string;
  readonly Driver: string;
  readonly DriverStatus?: readonly (readonly [string, string])[] | null;
  /** Such as `name=rootless`, `name=seccomp,profile=default`. */
  readonly SecurityOptions?: readonly string[] | null;
  readonly LiveRestoreEnabled?: boolean;
  /** ISO time by the host's clock. */
  readonly SystemTime: string;
  readonly LoggingDriver?: string;
  /** Of daemon.json; absent: Docker's own. */
  readonly DefaultAddressPools?: readonly { readonly Base: string; readonly Size: number }[] | null;
  readonly Swarm?: { readonly LocalNodeState?: string };
}

export interface EndpointInfo {
  readonly NetworkID: string;
  /** Empty while the container does not run. */
  readonly IPAddress: string;
  readonly IPPrefixLen?: number;
  readonly Gateway?: string;
  readonly MacAddress?: string;
  readonly Aliases?: readonly string[] | null;
  readonly IPAMConfig?: { readonly IPv4Address?: string } | null;
}

export interface PortSummary {
  readonly PrivatePort: number;
  readonly PublicPort?: number;
  readonly IP?: string;
  readonly Type: string;
}

export type ContainerState = 'created' | 'running' | 'paused' | 'restarting' | 'removing' | 'exited' | 'dead';

export interface ContainerSummary {
  readonly Id: string;
  /** With a leading slash. */
  readonly Names: readonly string[];
  readonly Image: string;
  readonly ImageID: string;
  readonly State: ContainerState;
  /** For people: `Up 3 minutes (healthy)`. */
  readonly Status: string;
  /** Seconds since the epoch. */
  readonly Created: number;
  readonly Labels: Readonly<Record<string, string>>;
  readonly Ports: readonly PortSummary[];
  readonly Mounts?: readonly MountInfo[];
  readonly NetworkSettings?: { readonly Networks?: Readonly<Record<string, EndpointInfo>> | null };
}

export interface MountInfo {
  readonly Type: string;
  /** Name of a volume. */
  readonly Name?: string;
  readonly Source: string;
  readonly Destination: string;
  readonly RW: boolean;
}

export interface HealthState {
  readonly Status: 'none' | 'starting' | 'healthy' | 'unhealthy';
  readonly FailingStreak: number;
  readonly Log?:
    | readonly {
        readonly Start: string;
        readonly End: string;
        readonly ExitCode: number;
        readonly Output: string;
      }[]
    | null;
}

export interface HealthConfig {
  readonly Test?: readonly string[];
  /** Nanoseconds, like the other durations here. */
  readonly Interval?: number;
  readonly Timeout?: number;
  readonly StartPeriod?: number;
  readonly StartInterval?: number;
  readonly Retries?: number;
}

export interface ContainerInfo {
  readonly Id: string;
  /** With a leading slash. */
  readonly Name: string;
  /** ISO time. */
  readonly Created: string;
  /** Image id. */
  readonly Image: string;
  readonly RestartCount: number;
  readonly State: {
    readonly Status: ContainerState;
    readonly Running: boolean;
    readonly Restarting: boolean;
    readonly OOMKilled: boolean;
    readonly Pid: number;
    readonly ExitCode: number;
    readonly Error: string;
    /** ISO time; year 1 when it has not happened. */
    readonly StartedAt: string;
    readonly FinishedAt: string;
    readonly Health?: HealthState | null;
  };
  readonly Config: {
    readonly Image: string;
    readonly Hostname: string;
    readonly Env?: readonly string[] | null;
    readonly Cmd?: readonly string[] | null;
    readonly Labels?: Readonly<Record<string, string>> | null;
    readonly Tty: boolean;
    readonly OpenStdin: boolean;
    readonly Healthcheck?: HealthConfig | null;
    readonly ExposedPorts?: Readonly<Record<string, object>> | null;
    readonly StopSignal?: string;
  };
  readonly HostConfig: {
    readonly NetworkMode: string;
    readonly RestartPolicy: { readonly Name: string; readonly MaximumRetryCount?: number };
    readonly PortBindings?: Readonly<Record<string, readonly PortBinding[] | null>> | null;
    readonly Dns?: readonly string[] | null;
  };
  readonly Mounts: readonly MountInfo[];
  readonly NetworkSettings: {
    readonly Networks: Readonly<Record<string, EndpointInfo>>;
    /** Published ports while it runs: `80/tcp` → bindings. */
    readonly Ports?: Readonly<Record<string, readonly PortBinding[] | null>> | null;
  };
}

export interface PortBinding {
  readonly HostIp: string;
  readonly HostPort: string;
}

/** What a container is attached to a network with. */
export interface EndpointConfig {
  readonly IPAMConfig?: { readonly IPv4Address?: string };
  readonly Aliases?: readonly string[];
  /** Engine 28+. The highest one is the default gateway. */
  readonly GwPriority?: number;
}

/** Body of `POST /containers/create`. Engines before 25 take one network here; connect the others before the start. */
export interface CreateContainerBody {
  readonly Image: string;
  readonly Labels?: Readonly<Record<string, string>>;
  readonly Cmd?: readonly string[];
  readonly Entrypoint?: readonly string[];
  readonly Env?: readonly string[];
  readonly User?: string;
  readonly HostConfig?: Readonly<Record<string, unknown>>;
  readonly NetworkingConfig?: { readonly EndpointsConfig: Readonly<Record<string, EndpointConfig>> };
  readonly [other: string]: unknown;
}

export interface NetworkInfo {
  readonly Id: string;
  readonly Name: string;
  readonly Driver: string;
  readonly Internal: boolean;
  readonly Labels?: Readonly<Record<string, string>> | null;
  readonly Options?: Readonly<Record<string, string>> | null;
  readonly IPAM?: {
    readonly Config?:
      | readonly { readonly Subnet?: string; readonly Gateway?: string; readonly IPRange?: string }[]
      | null;
  };
  /** Only by inspect: container id → its endpoint. */
  readonly Containers?: Readonly<
    Record<string, { readonly Name: string; readonly IPv4Address: string }>
  > | null;
}

/** Body of `POST /networks/create`. */
export interface CreateNetworkBody {
  readonly Name: string;
  readonly Driver?: string;
  readonly Internal?: boolean;
  readonly EnableIPv6?: boolean;
  readonly Options?: Readonly<Record<string, string>>;
  readonly Labels?: Readonly<Record<string, string>>;
  readonly IPAM?: {
    readonly Driver?: string;
    readonly Config: readonly {
      readonly Subnet: string;
      readonly Gateway?: string;
      readonly IPRange?: string;
    }[];
  };
}

export interface VolumeInfo {
  readonly Name: string;
  readonly Driver: string;
  readonly Mountpoint: string;
  readonly CreatedAt?: string;
  readonly Labels?: Readonly<Record<string, string>> | null;
  readonly Options?: Readonly<Record<string, string>> | null;
}

export interface CreateVolumeBody {
  readonly Name: string;
  readonly Driver?: string;
  readonly DriverOpts?: Readonly<Record<string, string>>;
  readonly Labels?: Readonly<Record<string, string>>;
}

export interface ImageSummary {
  readonly Id: string;
  readonly RepoTags?: readonly string[] | null;
  readonly RepoDigests?: readonly string[] | null;
  /** Seconds since the epoch. */
  readonly Created: number;
  readonly Size: number;
  /** Bytes that other images have too; -1 when nobody asked, or the engine does not know (API before 1.42). */
  readonly SharedSize?: number;
  readonly Labels?: Readonly<Record<string, string>> | null;
}

export interface ImageInfo {
  /** Classic store: digest of the configuration. containerd's store: digest of the manifest or index. */
  readonly Id: string;
  readonly RepoTags?: readonly string[] | null;
  readonly RepoDigests?: readonly string[] | null;
  readonly Os: string;
  /** As Go says it: `amd64`, `arm64`. */
  readonly Architecture: string;
  readonly Variant?: string;
  readonly Size: number;
  readonly Created?: string;
  /** When it last got a name: that of a build out of the cache is newer than `Created`. */
  readonly Metadata?: { readonly LastTagTime?: string };
  readonly Config?: {
    readonly Env?: readonly string[] | null;
    readonly Cmd?: readonly string[] | null;
    readonly Entrypoint?: readonly string[] | null;
    readonly User?: string;
    readonly Labels?: Readonly<Record<string, string>> | null;
    readonly Healthcheck?: HealthConfig | null;
    readonly ExposedPorts?: Readonly<Record<string, object>> | null;
    readonly Volumes?: Readonly<Record<string, object>> | null;
    readonly StopSignal?: string;
  } | null;
  /** Diff-ids, lowest first. */
  readonly RootFS: { readonly Type: string; readonly Layers?: readonly string[] | null };
}

export interface DockerEvent {
  /** `container`, `image`, `network`, `volume`, `daemon`. */
  readonly Type: string;
  /** Such as `start`, `die`, `destroy`, `health_status: healthy`. */
  readonly Action: string;
  readonly Actor: { readonly ID: string; readonly Attributes: Readonly<Record<string, string>> };
  /** Seconds since the epoch, in the host's clock. */
  readonly time: number;
  readonly timeNano?: number;
}

/** One line of the progress of a pull, load or build. */
export interface ProgressLine {
  readonly id?: string;
  readonly status?: string;
  readonly stream?: string;
  readonly progressDetail?: { readonly current?: number; readonly total?: number };
  readonly error?: string;
  readonly errorDetail?: { readonly message?: string };
}

/** Filters as Docker takes them: name → values, any of which matches. */
export type Filters = Readonly<Record<string, readonly string[]>>;
