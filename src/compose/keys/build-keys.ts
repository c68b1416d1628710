import { type KeyRow, quiet, refused, translated, used } from './row.ts';

/** `services.*.build` and `services.*.develop`. */
export const BUILD_KEYS: readonly KeyRow[] = [
  ...used(
    'services.*.build',
    ['Where the image is built from; a folder.', '. context'],
    ['The Dockerfile.', 'dockerfile dockerfile_inline'],
    ['Build arguments.', 'args'],
    ['Labels of the image.', 'labels'],
    ['Images whose layers may be reused.', 'cache_from'],
    ['Whether to build without the cache, or on a base image pulled anew.', 'no_cache pull'],
    ['Stage of the Dockerfile.', 'target'],
    ['Network and hosts entries of RUN steps.', 'network extra_hosts'],
    ['Shared memory of RUN steps.', 'shm_size'],
    ['Further names of the image.', 'tags'],
    ['Platform of the image.', 'platforms'],
    ['Limits of RUN steps.', 'ulimits ulimits.*.hard ulimits.*.soft'],
    [
      'Further contexts: folders, images and addresses; with BuildKit. `service:` is refused.',
      'additional_contexts',
    ],
    ['Secrets that RUN steps mount; with BuildKit.', 'secrets secrets.*.source secrets.*.target'],
    ['Keys that RUN steps use through an agent; with BuildKit.', 'ssh'],
    ['Where layers are kept for later builds; with BuildKit.', 'cache_to'],
  ),
  ...translated(
    'services.*.build',
    [
      'BuildKit takes owner and mode of a secret from the RUN step.',
      'secrets.*.uid secrets.*.gid secrets.*.mode',
    ],
    ['Images are sent to the hosts without attestations.', 'provenance sbom'],
  ),
  ...refused(
    'services.*.build',
    ['Builds run without special rights.', 'Remove it.', 'entitlements privileged'],
    ['It is for Windows.', 'Remove it.', 'isolation'],
  ),
  ...quiet('services.*.develop', [
    'It has no meaning on servers: it is for `docker compose watch`.',
    `. watch watch.*.ignore watch.*.include watch.*.path watch.*.action watch.*.target watch.*.initial_sync watch.*.exec
     watch.*.exec.command watch.*.exec.user watch.*.exec.privileged watch.*.exec.working_dir watch.*.exec.environment`,
  ]),
];
