import { type KeyRow, quiet, refused, translated, used } from './row.ts';

const SERVICE = 'services.*';

/** What a service says about its process and its place among others. */
export const SERVICE_KEYS: readonly KeyRow[] = [
  ...used(
    SERVICE,
    ['Image to run.', 'image'],
    ['Program and arguments.', 'command entrypoint'],
    ['User, groups and folder of the process.', 'user group_add working_dir'],
    ['Variables of the process.', 'environment'],
    [
      'Files with variables; read on the machine of the operator.',
      'env_file env_file.*.path env_file.*.format env_file.*.required',
    ],
    ['Labels of the containers; names that start with `seawall.` are refused.', 'labels label_file'],
    ['Annotations of the containers (Engine 24 and newer).', 'annotations'],
    ['Another service whose definition is taken over.', 'extends extends.service extends.file'],
    ['The service is only there when one of its profiles is active.', 'profiles'],
    [
      'Order of starting, also across hosts. A service that others need as `service_completed_successfully` is a task: it runs once per deploy.',
      'depends_on depends_on.*.condition depends_on.*.required depends_on.*.restart',
    ],
    [
      'Whether a replica is well; its interval does not slow a deploy down.',
      'healthcheck healthcheck.test healthcheck.disable healthcheck.interval healthcheck.timeout healthcheck.retries healthcheck.start_period healthcheck.start_interval',
    ],
    ['Number of replicas, as `deploy.replicas`.', 'scale'],
    [
      'When Docker starts a container again. Without it `unless-stopped`, so that replicas survive crashes and reboots (Compose: `no`); tasks never start again.',
      'restart',
    ],
    ['How a replica is asked to stop, and how long it may take.', 'stop_signal stop_grace_period'],
    ['Platform of the image.', 'platform'],
    ['Terminal and standard input.', 'tty stdin_open'],
    [
      'Files of the top-level `configs` and `secrets`, mounted read-only.',
      'configs configs.*.source configs.*.target configs.*.uid configs.*.gid configs.*.mode secrets secrets.*.source secrets.*.target secrets.*.uid secrets.*.gid secrets.*.mode',
    ],
    [
      'Where logs go. Without it `json-file`, at most 3 files of 10 MB per container.',
      'logging logging.driver logging.options',
    ],
  ),
  ...translated(
    SERVICE,
    [
      'When images are pulled; `daily`, `weekly` and `every_…` pull at every deploy.',
      'pull_policy pull_refresh_after',
    ],
    [
      'The service is a singleton, and the name is one more name on its networks; containers are named by Seawall.',
      'container_name',
    ],
    [
      'A deploy runs it when it has started a replica, before it looks at its health; not when Docker starts the container again after a crash. A failure is one of the replica.',
      'post_start post_start.*.command post_start.*.user post_start.*.privileged post_start.*.working_dir post_start.*.environment',
    ],
    [
      'A deploy runs it in a replica that gets no more requests, before the stop signal, and `down` before it stops; not at a crash. The replica is stopped even if it fails.',
      'pre_stop pre_stop.*.command pre_stop.*.user pre_stop.*.privileged pre_stop.*.working_dir pre_stop.*.environment',
    ],
    ['The linked service answers to the alias for everybody on its networks.', 'links'],
  ),
  ...quiet(SERVICE, ['It has no meaning on servers: it is for `docker compose up`.', 'attach']),
  ...refused(
    SERVICE,
    [
      'Seawall has no plugins that provide services.',
      'Run it as a container, or outside and name its address in a variable.',
      'provider provider.type provider.options',
    ],
    [
      'Seawall has no language models of Docker Desktop.',
      'Run the model as a service of its own.',
      'models models.*.endpoint_var models.*.model_var',
    ],
    [
      'Containers outside the project have no name in it.',
      'Name their address in a variable, or use `extra_hosts`.',
      'external_links',
    ],
    ["It would give the service power over the host's Docker.", 'Remove it.', 'use_api_socket'],
  ),
];

/** Networks, ports and names of a service. */
export const NETWORK_KEYS: readonly KeyRow[] = [
  ...used(
    SERVICE,
    ['Networks of the service; without it `default`.', 'networks'],
    ['Further names on a network.', 'networks.*.aliases'],
    ['Ports for other services; the only one of them is the port of a route that names none.', 'expose'],
    ['Name of the container in its own eyes.', 'hostname domainname'],
    ['Further entries of the hosts file.', 'extra_hosts'],
    [
      'Name servers, asked for names that Seawall does not know; search domains after the one of the project; options.',
      'dns dns_search dns_opt',
    ],
  ),
  ...translated(
    SERVICE,
    [
      "Ports of a routed service are the edge's business; others are published on 127.0.0.1 of their host, unless `expose:` in seawall.yml says who may reach them.",
      'ports ports.*.target ports.*.published ports.*.host_ip ports.*.protocol',
    ],
    ['`bridge` is the network `default`; others are refused.', 'network_mode'],
  ),
  ...quiet(
    SERVICE,
    ['Ports are published on the host that runs the replica.', 'ports.*.mode'],
    ['It is information for people.', 'ports.*.name ports.*.app_protocol'],
    ['All networks lead out of the host in the same way.', 'networks.*.priority networks.*.gw_priority'],
  ),
  ...refused(
    SERVICE,
    [
      'Replicas come and go; their addresses are given by Seawall.',
      'Remove it and use the name of the service.',
      'networks.*.ipv4_address networks.*.ipv6_address networks.*.link_local_ips networks.*.mac_address mac_address',
    ],
    [
      'Seawall joins replicas to bridges of its own.',
      'Remove it.',
      'networks.*.driver_opts networks.*.interface_name',
    ],
  ),
];
