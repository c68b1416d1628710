import { parseBytes } from '../../units.ts';
import type { BlkioLimit, DeviceModel, ServiceModel } from '../model.ts';

/** The limits, rights and namespaces of a service as Engine API's HostConfig. Keys that the file does not name are absent. */
export function hostConfig(service: ServiceModel, isTask: boolean): Readonly<Record<string, unknown>> {
  return present({
    ...rights(service),
    ...limits(service),
    ...blkio(service),
    ...names(service),
    ...policies(service, isTask),
  });
}

function present(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given.sort(([a], [b]) => (a < b ? -1 : 1)));
}

const bytes = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : text === '-1' ? -1 : parseBytes(text);

function rights(service: ServiceModel): Record<string, unknown> {
  return {
    Annotations: service.annotations,
    CapAdd: service.cap_add,
    CapDrop: service.cap_drop,
    CgroupnsMode: service.cgroup,
    CgroupParent: service.cgroup_parent,
    DeviceCgroupRules: service.device_cgroup_rules,
    DeviceRequests: deviceRequests(service),
    Devices: service.devices?.map(({ source, target, permissions }) => ({
      PathOnHost: source,
      PathInContainer: target ?? source,
      CgroupPermissions: permissions ?? 'rwm',
    })),
    GroupAdd: service.group_add,
    Init: service.init,
    IpcMode: service.ipc,
    Privileged: service.privileged,
    ReadonlyRootfs: service.read_only,
    Runtime: service.runtime,
    // Docker's API knows only the form with an equals sign.
    SecurityOpt: service.security_opt?.map((option) => option.replace(/^([a-z-]+):/, '$1=')),
    StorageOpt: service.storage_opt,
    Sysctls: service.sysctls,
    Tmpfs: service.tmpfs && Object.fromEntries(service.tmpfs.map(splitTmpfs)),
    UsernsMode: service.userns_mode,
    UTSMode: service.uts,
  };
}

/** GPUs and their like; the Engine's driver of the name, or the first that has the capabilities, hands them out. */
function deviceRequests(service: ServiceModel): readonly object[] | undefined {
  const request = (device: DeviceModel, ...more: readonly string[]) => ({
    Capabilities: [[...(device.capabilities ?? []), ...more]],
    Count: device.count ?? 0,
    DeviceIDs: device.device_ids ?? [],
    Driver: device.driver ?? '',
    Options: device.options ?? {},
  });
  const requests = [
    ...(service.deploy?.resources?.reservations?.devices ?? []).map((device) => request(device)),
    ...(service.gpus ?? []).map((device) => request(device, 'gpu')),
  ];
  return requests.length === 0 ? undefined : requests;
}

function splitTmpfs(text: string): [string, string] {
  const colon = text.indexOf(':');
  return colon === -1 ? [text, ''] : [text.slice(0, colon), text.slice(colon + 1)];
}

function limits(service: ServiceModel): Record<string, unknown> {
  const deploy = service.deploy?.resources;
  const cpus = service.cpus ?? deploy?.limits?.cpus;
  return {
    CpuPeriod: service.cpu_period,
    CpuQuota: service.cpu_quota,
    CpuRealtimePeriod: service.cpu_rt_period,
    CpuRealtimeRuntime: service.cpu_rt_runtime,
    CpuShares: service.cpu_shares,
    CpusetCpus: service.cpuset,
    Memory: bytes(service.mem_limit ?? deploy?.limits?.memory),
    MemoryReservation: bytes(service.mem_reservation ?? deploy?.reservations?.memory),
    MemorySwap: bytes(service.memswap_limit),
    MemorySwappiness: bytes(service.mem_swappiness),
    NanoCpus: cpus === undefined ? undefined : Math.round(cpus * 1e9),
    OomKillDisable: service.oom_kill_disable,
    OomScoreAdj: service.oom_score_adj,
    PidsLimit:
      service.pids_limit ?? (deploy?.limits?.pids === undefined ? undefined : Number(deploy.limits.pids)),
    ShmSize: bytes(service.shm_size),
    Ulimits:
      service.ulimits &&
      Object.entries(service.ulimits)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([Name, limit]) =>
          typeof limit === 'number'
            ? { Name, Soft: limit, Hard: limit }
            : { Name, Soft: limit.soft ?? 0, Hard: limit.hard ?? 0 },
        ),
  };
}

function blkio(service: ServiceModel): Record<string, unknown> {
  const config = service.blkio_config;
  if (config === undefined) return {};
  const rates = (list: readonly BlkioLimit[] | undefined) =>
    list?.map(({ Path, Rate }) => ({ Path, Rate: parseBytes(`${Rate}`) ?? 0 }));
  return {
    BlkioWeight: config.weight === undefined ? undefined : Number(config.weight),
    BlkioWeightDevice: config.weight_device?.map(({ Path, Weight }) => ({ Path, Weight: Number(Weight) })),
    BlkioDeviceReadBps: rates(config.device_read_bps),
    BlkioDeviceReadIOps: rates(config.device_read_iops),
    BlkioDeviceWriteBps: rates(config.device_write_bps),
    BlkioDeviceWriteIOps: rates(config.device_write_iops),
  };
}

function names(service: ServiceModel): Record<string, unknown> {
  return {
    Dns: service.dns,
    DnsOptions: service.dns_opt,
    DnsSearch: service.dns_search,
    ExtraHosts: service.extra_hosts?.map((entry) => entry.replace('=', ':')),
  };
}

const LOG_BOUNDS = { 'max-size': '10m', 'max-file': '3' } as const;

function policies(service: ServiceModel, isTask: boolean): Record<string, unknown> {
  const driver = service.logging?.driver ?? 'json-file';
  const options = service.logging?.options ?? {};
  return {
    LogConfig: {
      Type: driver,
      Config: driver === 'json-file' || driver === 'local' ? { ...LOG_BOUNDS, ...options } : options,
    },
    RestartPolicy: isTask ? { Name: 'no' } : restartPolicy(service),
  };
}

function restartPolicy(service: ServiceModel): { Name: string; MaximumRetryCount?: number } {
  const [, name, count] =
    /^(no|always|unless-stopped|on-failure)(?::(\d+))?$/.exec(service.restart ?? '') ?? [];
  if (name !== undefined)
    return count === undefined ? { Name: name } : { Name: name, MaximumRetryCount: Number(count) };
  const policy = service.deploy?.restart_policy;
  if (policy?.condition === 'none') return { Name: 'no' };
  if (policy?.condition === 'on-failure') {
    const attempts = Number(policy.max_attempts ?? 0);
    return attempts > 0 ? { Name: 'on-failure', MaximumRetryCount: attempts } : { Name: 'on-failure' };
  }
  return { Name: 'unless-stopped' };
}
