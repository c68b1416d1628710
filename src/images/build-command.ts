import type { DesiredBuild } from '../compose/desired.ts';

export interface BuildCommand {
  readonly args: readonly string[];
  /** Added to the environment: build arguments travel here, not in the process list. */
  readonly env: Readonly<Record<string, string>>;
  /** A Dockerfile given inline. */
  readonly stdin?: string;
}

export interface BuildOptions {
  /** Names of the image; the first is Seawall's own. */
  readonly tags: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly platform?: string | undefined;
  /** File that gets the image's id. */
  readonly idFile: string;
  /** The CLI has buildx; else the classic builder is used. */
  readonly hasBuildx: boolean;
}

/** Variables that the docker program itself reads: such a build argument cannot travel in the environment. */
const reserved =
  /^(PATH|HOME|USER|TMPDIR|LANG|LC_.*|DOCKER_.*|BUILDKIT_.*|BUILDX_.*|HTTPS?_PROXY|NO_PROXY|ALL_PROXY|SSH_.*|SSL_.*|XDG_.*)$/i;

/** The `docker build` that makes an image of a Compose service's `build`. */
export function buildCommand(build: DesiredBuild, options: BuildOptions): BuildCommand {
  const { hasBuildx } = options;
  const args: string[] = ['build', `--iidfile=${options.idFile}`];
  const env: Record<string, string> = { DOCKER_BUILDKIT: hasBuildx ? '1' : '0' };
  const add = (name: string, value: string | undefined) => {
    if (value !== undefined) args.push(`--${name}=${value}`);
  };
  if (hasBuildx) args.push('--progress=plain', '--load');
  add('file', build.dockerfileInline === undefined ? dockerfilePath(build) : '-');
  for (const tag of options.tags) add('tag', tag);
  for (const [name, value] of entries({ ...build.labels, ...options.labels }))
    add('label', `${name}=${value}`);
  for (const [name, value] of entries(build.args)) {
    if (reserved.test(name)) add('build-arg', `${name}=${value}`);
    else {
      add('build-arg', name);
      env[name] = value;
    }
  }
  add('target', build.target);
  add('network', build.network);
  for (const host of build.extraHosts) add('add-host', host);
  for (const source of build.cacheFrom) add('cache-from', source);
  add('platform', options.platform);
  add('shm-size', build.shmBytes === undefined ? undefined : String(build.shmBytes));
  for (const [name, source] of entries(build.contexts ?? {})) add('build-context', `${name}=${source}`);
  for (const [index, { id, source, text }] of (build.secrets ?? []).entries()) {
    const variable = `SEAWALL_BUILD_SECRET_${index}`;
    if (text !== undefined) env[variable] = text;
    add('secret', csv(`id=${id}`, text === undefined ? `src=${source}` : `env=${variable}`));
  }
  for (const key of build.ssh ?? []) add('ssh', key);
  for (const target of build.cacheTo ?? []) add('cache-to', target);
  for (const limit of build.ulimits ?? []) add('ulimit', limit);
  if (build.noCache) args.push('--no-cache');
  if (build.pull) args.push('--pull');
  args.push('--', build.context);
  return { args, env, ...(build.dockerfileInline === undefined ? {} : { stdin: build.dockerfileInline }) };
}

/** Keys of `build:` that only BuildKit understands. */
export function buildKitKeys(build: DesiredBuild): readonly string[] {
  const { contexts, secrets, ssh, cacheTo } = build;
  const keys = { additional_contexts: contexts, secrets, ssh, cache_to: cacheTo };
  return Object.entries(keys).flatMap(([key, value]) => (value === undefined ? [] : [key]));
}

/** One record of comma-separated values, as docker reads them in `--secret`. */
function csv(...fields: readonly string[]): string {
  const quoted = (field: string) => `"${field.replaceAll('"', '""')}"`;
  return fields.map((field) => (/[",\n\r]/.test(field) ? quoted(field) : field)).join(',');
}

function dockerfilePath(build: DesiredBuild): string {
  if (build.dockerfile.startsWith('/')) return build.dockerfile;
  return `${build.context.replace(/\/$/, '')}/${build.dockerfile}`;
}

function entries(record: Readonly<Record<string, string>>): [string, string][] {
  return Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));
}
