import { type KeyRow, quiet, refused, translated, used } from './row.ts';

/** Top level, networks, volumes, configs and secrets. */
export const PROJECT_KEYS: readonly KeyRow[] = [
  ...quiet('', ['It has no meaning any more.', 'version']),
  ...used(
    '',
    ['Name of the project; `project:` in seawall.yml goes before it.', 'name'],
    [
      'Other Compose files, with their own folder and variables.',
      'include include.*.path include.*.env_file include.*.project_directory',
    ],
    ['The services.', 'services'],
    ['The networks.', 'networks'],
    ['The volumes.', 'volumes'],
    ['Files for replicas.', 'configs secrets'],
  ),
  ...refused('', [
    'Seawall runs containers, not language models of Docker Desktop.',
    'Run the model as a service of its own.',
    'models models.*.name models.*.model models.*.context_size models.*.runtime_flags',
  ]),
  ...used('networks.*', ['A network without a way out.', 'internal']),
  ...translated(
    'networks.*',
    [
      '`bridge` and `overlay` become a network of Seawall that spans the hosts; other drivers are refused.',
      'driver',
    ],
    [
      'Seawall chooses addresses out of the range of the cluster.',
      'ipam ipam.driver ipam.options ipam.config ipam.config.*.subnet ipam.config.*.ip_range ipam.config.*.gateway ipam.config.*.aux_addresses',
    ],
    ['Replicas speak IPv4 to each other; the edges serve IPv4 and IPv6.', 'enable_ipv4 enable_ipv6'],
  ),
  ...quiet(
    'networks.*',
    ['Docker networks are called `seawall.PROJECT.NETWORK`.', 'name'],
    ['Only Seawall attaches containers.', 'attachable'],
    ['Docker networks carry labels of Seawall.', 'labels'],
  ),
  ...refused(
    'networks.*',
    [
      'Networks of the cluster belong to one project and are made by Seawall.',
      'Remove `external`; put services that talk to each other into one project, or route between projects by domain.',
      'external external.name',
    ],
    ['They are options of a driver that Seawall does not use.', 'Remove them.', 'driver_opts'],
  ),
  ...used(
    'volumes.*',
    ['Name of the volume in Docker.', 'name external.name'],
    ['Volume driver and its options, on the host that has the volume.', 'driver driver_opts'],
    ['The volume exists already; Seawall neither makes nor removes it.', 'external'],
    ['Labels of the volume.', 'labels'],
  ),
  ...used(
    'configs.*',
    ['The file is sent to the hosts by its content.', 'file'],
    ['The text, sent as a file.', 'content'],
    ['Name of the variable whose value becomes the file.', 'environment'],
  ),
  ...used(
    'secrets.*',
    ['The file is sent to the hosts by its content and never shown.', 'file'],
    ['Name of the variable whose value becomes the file; never shown.', 'environment'],
  ),
  ...quiet('configs.*', ['Files are known by their content.', 'name labels']),
  ...quiet('secrets.*', ['Files are known by their content.', 'name labels']),
  ...refused(
    'configs.*',
    [
      'There is no store of configs beside the files.',
      'Write `file:`, `content:` or `environment:`.',
      'external external.name',
    ],
    ['Templates are of Swarm.', 'Put the finished text into the file.', 'template_driver'],
  ),
  ...refused(
    'secrets.*',
    [
      'There is no store of secrets beside the files.',
      'Write `file:` or `environment:`.',
      'external external.name driver driver_opts',
    ],
    ['Templates are of Swarm.', 'Put the finished text into the file.', 'template_driver'],
  ),
];
