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
  ),
  ...translated(
    'services.*.build',
    ['Layers stay with the builder; the cache is not written elsewhere.', 'cache_to'],
    ['Images are sent to the hosts without attestations.', 'provenance sbom'],
  ),
  ...refused(
    'services.*.build',
    [
      'Builds have one context.',
      'Copy what is needed into the context, or start from an image with `FROM`.',
      'additional_contexts',
    ],
    [
      'Builds get no keys of yours.',
      'Fetch private sources before the build, or copy them into the context.',
      'ssh',
    ],
    [
      'Builds get no secrets.',
      'Fetch what needs a secret before the build.',
      'secrets secrets.*.source secrets.*.target secrets.*.uid secrets.*.gid secrets.*.mode',
    ],
    ['Builds run without special rights.', 'Remove it.', 'entitlements privileged'],
    ['It is for Windows.', 'Remove it.', 'isolation'],
    [
      "Limits of RUN steps are the builder's.",
      'Remove it, or call `ulimit` in the step.',
      'ulimits ulimits.*.hard ulimits.*.soft',
    ],
  ),
  ...quiet('services.*.develop', [
    'It has no meaning on servers: it is for `docker compose watch`.',
    `. watch watch.*.ignore watch.*.include watch.*.path watch.*.action watch.*.target watch.*.initial_sync watch.*.exec
     watch.*.exec.command watch.*.exec.user watch.*.exec.privileged watch.*.exec.working_dir watch.*.exec.environment`,
  ]),
];
