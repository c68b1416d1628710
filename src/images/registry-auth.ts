import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { run } from '../hosts/index.ts';

/** What of the docker program's `config.json` says how to log in (docs.docker.com, "docker login"). */
export interface DockerConfig {
  readonly auths?: Readonly<Record<string, { readonly auth?: string; readonly identitytoken?: string }>>;
  readonly credsStore?: string;
  readonly credHelpers?: Readonly<Record<string, string>>;
}

const hub = 'docker.io';
/** Key of Docker Hub in `config.json`, for reasons of history. */
const hubKey = 'https://index.docker.io/v1/';

/** Registry of an image reference: `nginx:1.30` → docker.io, `ghcr.io/a/b` → ghcr.io. */
export function registryOf(reference: string): string {
  const slash = reference.indexOf('/');
  const first = slash === -1 ? '' : reference.slice(0, slash);
  const isRegistry = first === 'localhost' || /[.:]/.test(first);
  if (!isRegistry || first === 'index.docker.io') return hub;
  return first;
}

/** The operator's docker configuration (`DOCKER_CONFIG` or `~/.docker`); empty when there is none. */
export async function readDockerConfig(environment: NodeJS.ProcessEnv = process.env): Promise<DockerConfig> {
  const folder = environment.DOCKER_CONFIG ?? join(homedir(), '.docker');
  try {
    return JSON.parse(await readFile(join(folder, 'config.json'), 'utf8')) as DockerConfig;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
}

/**
 * The operator's credentials for an image's registry as the header `X-Registry-Auth` takes them; `undefined` without
 * a login. They go with the one pull and stay nowhere on the host.
 */
export async function registryAuth(
  reference: string,
  config: DockerConfig,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<string | undefined> {
  const registry = registryOf(reference);
  const key = registry === hub ? hubKey : registry;
  const helper = config.credHelpers?.[key] ?? config.credHelpers?.[registry] ?? config.credsStore;
  const fromHelper = helper === undefined ? undefined : await askHelper(helper, key, options.signal);
  const found = fromHelper ?? fromFile(config, registry, key);
  if (found === undefined) return undefined;
  const text = Buffer.from(JSON.stringify({ ...found, serveraddress: key })).toString('base64');
  // Engine 20.10 takes a text without padding for no credentials at all.
  return text.replaceAll('+', '-').replaceAll('/', '_');
}

type Credentials =
  | { readonly username: string; readonly password: string }
  | { readonly identitytoken: string };

async function askHelper(
  helper: string,
  server: string,
  signal: AbortSignal | undefined,
): Promise<Credentials | undefined> {
  if (!/^[\w.-]+$/.test(helper)) return undefined;
  const program = `docker-credential-${helper}`;
  const result = await run(program, ['get'], { stdin: server, signal, where: program, timeoutMs: 30_000 });
  // "credentials not found" is an answer, by exit code 1 and no agreed text.
  if (result.exitCode !== 0) return undefined;
  const { Username, Secret } = JSON.parse(result.stdout) as { Username: string; Secret: string };
  return Username === '<token>' ? { identitytoken: Secret } : { username: Username, password: Secret };
}

function fromFile(config: DockerConfig, registry: string, key: string): Credentials | undefined {
  const auths = config.auths ?? {};
  const entry =
    auths[key] ?? auths[registry] ?? auths[`https://${registry}`] ?? auths[`https://${registry}/v1/`];
  if (entry?.identitytoken) return { identitytoken: entry.identitytoken };
  if (!entry?.auth) return undefined;
  const text = Buffer.from(entry.auth, 'base64').toString();
  const colon = text.indexOf(':');
  return { username: text.slice(0, colon), password: text.slice(colon + 1).replace(/\0+$/, '') };
}
