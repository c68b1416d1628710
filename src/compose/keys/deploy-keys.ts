import { type KeyRow, quiet, refused, translated, used } from './row.ts';

const UPDATE = 'parallelism delay failure_action monitor max_failure_ratio order';

/** `services.*.deploy`. */
export const DEPLOY_KEYS: readonly KeyRow[] = [
  ...used(
    'services.*.deploy',
    ['How the service runs on the cluster.', '.'],
    ['Number of replicas, over all hosts.', 'replicas'],
    ['`replicated`, or `global`: one replica on every host that may run it. Jobs are refused.', 'mode'],
    [
      'Limits of each replica.',
      'resources resources.limits resources.limits.cpus resources.limits.memory resources.limits.pids',
    ],
    [
      'Memory that Docker tries to leave to each replica.',
      'resources.reservations resources.reservations.memory',
    ],
    [
      'GPUs and other devices with a driver, for each replica; nothing counts how many a host has left.',
      `resources.reservations.devices ${'capabilities count device_ids driver options'.replaceAll(/\S+/g, 'resources.reservations.devices.*.$&')}`,
    ],
    [
      'Which hosts may run replicas, and how many each.',
      'placement placement.constraints placement.max_replicas_per_node',
    ],
    [
      'When Docker starts a replica again; Docker counts the attempts.',
      'restart_policy restart_policy.condition restart_policy.max_attempts',
    ],
    [
      'How replicas are exchanged. Defaults: one at a time, start-first (stop-first where two cannot run at once), watched for 5 s, the whole deploy rolled back on failure.',
      `update_config ${UPDATE.replaceAll(/\S+/g, 'update_config.$&')}`,
    ],
    [
      'How replicas are exchanged on the way back.',
      `rollback_config ${UPDATE.replaceAll(/\S+/g, 'rollback_config.$&')}`,
    ],
  ),
  ...translated(
    'services.*.deploy',
    ['Names always lead to the replicas themselves, never to a virtual address.', 'endpoint_mode'],
    ['Docker cannot reserve CPU; replicas are spread evenly over the hosts.', 'resources.reservations.cpus'],
    [
      'Docker itself waits longer from one attempt to the next.',
      'restart_policy.delay restart_policy.window',
    ],
    ['Replicas are spread evenly over the hosts.', 'placement.preferences placement.preferences.*.spread'],
  ),
  ...quiet('services.*.deploy', [
    'There is no object of the service that could carry them; use `labels` for containers.',
    'labels',
  ]),
  ...refused('services.*.deploy.resources.reservations', [
    'Hosts do not declare resources of their own.',
    'Label the hosts in seawall.yml and use `deploy.placement.constraints`.',
    `generic_resources generic_resources.*.discrete_resource_spec generic_resources.*.discrete_resource_spec.kind
       generic_resources.*.discrete_resource_spec.value`,
  ]),
];
