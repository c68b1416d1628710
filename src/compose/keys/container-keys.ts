import { type KeyRow, quiet, refused, translated, used } from './row.ts';

const SERVICE = 'services.*';
const BLKIO = 'device_read_bps device_read_iops device_write_bps device_write_iops';

/** What a service asks of Docker and the kernel: limits, rights, files. */
export const CONTAINER_KEYS: readonly KeyRow[] = [
  ...used(
    SERVICE,
    ['Linux capabilities.', 'cap_add cap_drop'],
    ['Control groups of the container; `cgroup: host` is refused.', 'cgroup cgroup_parent'],
    ['CPU of each replica.', 'cpus cpuset cpu_shares cpu_period cpu_quota cpu_rt_period cpu_rt_runtime'],
    [
      'Memory of each replica.',
      'mem_limit mem_reservation mem_swappiness memswap_limit shm_size oom_kill_disable oom_score_adj',
    ],
    ['Processes of each replica.', 'pids_limit'],
    ['Limits of the processes.', 'ulimits ulimits.*.soft ulimits.*.hard'],
    [
      'Share of the disks.',
      `blkio_config blkio_config.weight blkio_config.weight_device blkio_config.weight_device.*.path blkio_config.weight_device.*.weight
      ${BLKIO.replaceAll(/\S+/g, 'blkio_config.$& blkio_config.$&.*.path blkio_config.$&.*.rate')}`,
    ],
    [
      'Device files of the host.',
      'devices devices.*.source devices.*.target devices.*.permissions device_cgroup_rules',
    ],
    [
      'GPUs of the host, for each replica; `placement.constraints` say which hosts have some.',
      'gpus gpus.*.capabilities gpus.*.count gpus.*.device_ids gpus.*.driver gpus.*.options',
    ],
    ['A small init as process 1.', 'init'],
    ['Namespaces; those of the host or of another container are refused.', 'ipc pid uts userns_mode'],
    ['All rights on the host; the plan warns of it.', 'privileged'],
    [
      'Read-only root, security options, kernel settings, runtime, storage options.',
      'read_only security_opt sysctls runtime storage_opt',
    ],
    ['File systems in memory.', 'tmpfs volumes.*.tmpfs volumes.*.tmpfs.size volumes.*.tmpfs.mode'],
    [
      'Volumes stay on the host that has them; a service with one that it may write has one replica.',
      'volumes volumes.*.type volumes.*.source volumes.*.target volumes.*.read_only',
    ],
    [
      'Named volumes, files and folders that another service mounts; volumes without a name and containers are refused.',
      'volumes_from',
    ],
    ['Options of a volume mount.', 'volumes.*.volume volumes.*.volume.nocopy volumes.*.volume.subpath'],
  ),
  ...translated(
    SERVICE,
    [
      'Files and small folders of the project are sent to the hosts by their content and mounted read-only; others are refused.',
      'volumes.*.bind',
    ],
    [
      'What is sent has no mounts below it, and none are propagated.',
      'volumes.*.bind.propagation volumes.*.bind.recursive',
    ],
    ['Files that Seawall sends are readable for containers.', 'volumes.*.bind.selinux'],
  ),
  ...quiet(
    SERVICE,
    ['What is not there cannot be sent: it is a problem that is shown.', 'volumes.*.bind.create_host_path'],
    ['It has no meaning on Linux.', 'volumes.*.consistency'],
    ['Labels belong to named volumes, at the top level.', 'volumes.*.volume.labels'],
  ),
  ...refused(
    SERVICE,
    ['It is for Windows.', 'Use `cpus:`.', 'cpu_count cpu_percent'],
    [
      'It is for Windows.',
      'Remove it.',
      'credential_spec credential_spec.config credential_spec.file credential_spec.registry isolation',
    ],
    [
      'Images cannot be mounted.',
      'Copy what is needed into the own image (`COPY --from`).',
      'volumes.*.image volumes.*.image.subpath',
    ],
  ),
];
