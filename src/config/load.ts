import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { inspectPair, isCertificateText } from '../certificate-pair.ts';
import {
  type ComposeModel,
  type ComposeProject,
  child,
  type Desired,
  type DesiredRoute,
  type Files,
  loadCompose,
  type ServiceModel,
  toJson,
  translate,
} from '../compose/index.ts';
import { hasErrors, type Problem, problemAt, sortProblems } from '../problems.ts';
import { settleCompose } from './compose-options.ts';
import type { Config } from './config.ts';
import { showFile } from './contents.ts';
import { findConfigs } from './find.ts';
import { gatherFiles } from './gather.ts';
import { checkExpose, type RouteInputs, settleRoutes } from './routes.ts';
import type { ConfigInput } from './schema.ts';
import { settleConfig } from './settle.ts';
import type { TlsParts } from './tls-context.ts';
import { validateConfig } from './validate.ts';

export interface LoadOptions {
  /** seawall.yml files and Compose files, told apart by name and content; empty: those found in `cwd`. */
  readonly files: readonly string[];
  /** Absolute path; where files are looked for, and what messages name files relative to. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Active Compose profiles, besides those of seawall.yml and COMPOSE_PROFILES. */
  readonly profiles?: readonly string[];
  /** Project name that overrides every other. */
  readonly project?: string;
  /** Replicas by service instead of what the file says. */
  readonly scale?: Readonly<Record<string, number>>;
}

export interface LoadedProject {
  readonly desired: Desired;
  readonly config: Config;
  /** Variables that interpolation looked up, with the value it got. */
  readonly environmentUsed: Readonly<Record<string, string>>;
  /** Services outside the active profiles, with the profiles that they are in; absent when there are none. */
  readonly inactive?: Readonly<Record<string, readonly string[]>>;
}

export interface Loaded {
  /** Absent when a problem is an error. */
  readonly value?: LoadedProject;
  readonly problems: readonly Problem[];
}

/** Reads seawall.yml and the Compose files and makes of them the desired state. Never throws for what a user wrote. */
export async function loadProject(options: LoadOptions): Promise<Loaded> {
  const files = machineFiles(options.cwd);
  const found = findConfigs(files, options.cwd, options.files);
  const validated = validateConfig(found.root);
  const problems: Problem[] = [...found.problems, ...validated.problems];
  const input = validated.value ?? validated.readable ?? {};
  const settled = settleConfig(input, found.root);
  problems.push(...settled.problems);
  const composeOptions = settleCompose(options, found, input, files);
  if (composeOptions.paths.length === 0) {
    const text = 'there is no Compose file here';
    problems.push(
      problemAt(
        found.root.place,
        [],
        text,
        'Write compose.yaml, or name the file with "compose:" or --file.',
      ),
    );
    return { problems: sortProblems(problems) };
  }
  const compose = loadCompose(composeOptions, files);
  problems.push(...compose.problems);
  const services = compose.model?.services ?? readableServices(compose);
  const tls = tlsParts(files, options.env);
  const inputs: RouteInputs = { input, root: found.root, project: projectName(compose), services, tls };
  const { routes, certificates, settings, secrets, problems: routeProblems } = settleRoutes(inputs);
  problems.push(...routeProblems, ...checkExpose(inputs));
  if (compose.model === undefined) return { problems: sortProblems(problems) };
  const translated = await translateProject(compose, compose.model, routes, input, options, files);
  problems.push(...translated.problems, ...checkScale(options, compose));
  problems.push(...checkBuildHosts(translated.value.services, settled.config, compose));
  const all = sortProblems(problems);
  if (hasErrors(all)) return { problems: all };
  const desired: Desired = {
    ...translated.value,
    routes: verifiedRoutes(routes, translated.value.services, translated.certificates),
    certificates: [...certificates, ...translated.certificates].sort((a, b) => (a.id < b.id ? -1 : 1)),
    certificateSecrets: secrets,
  };
  const inactive = Object.keys(compose.inactive).length === 0 ? {} : { inactive: compose.inactive };
  const config: Config = { ...settled.config, certificates: settings };
  const value = { desired, config, environmentUsed: compose.variables(), ...inactive };
  return { value, problems: all };
}

/** Routes to services with a certificate of the private CA ask for the name that it is for, unless they say another one. */
function verifiedRoutes(
  routes: readonly DesiredRoute[],
  services: Desired['services'],
  certificates: NonNullable<Desired['certificates']>,
): readonly DesiredRoute[] {
  return routes.map((route) => {
    const { upstreamTls } = route;
    const mount = services[route.service ?? '']?.mounts.find(({ kind }) => kind === 'certificate');
    if (upstreamTls?.trust !== 'internal' || upstreamTls.serverName !== undefined) return route;
    const certificate = certificates.find(({ id }) => mount?.kind === 'certificate' && id === mount.id);
    const [serverName] = certificate?.names ?? [];
    return serverName === undefined ? route : { ...route, upstreamTls: { ...upstreamTls, serverName } };
  });
}

/** The Compose model with what is on disk and what seawall.yml says, as the desired state without its routes. */
async function translateProject(
  compose: ComposeProject,
  model: ComposeModel,
  routes: readonly DesiredRoute[],
  input: ConfigInput,
  options: LoadOptions,
  files: Files,
) {
  const gathered = await gatherFiles(model, compose.folder, files.show);
  const routed: Record<string, number[]> = {};
  for (const { service, port } of routes) {
    if (service === undefined) continue;
    routed[service] = [...(routed[service] ?? []), port];
  }
  const { root, place, lookup, ownFolders } = compose;
  const [expose, scale] = [input.expose ?? {}, options.scale ?? {}];
  return translate({ model, root, place, lookup, ownFolders, routed, expose, scale, ...gathered, hash });
}

const hash = (text: string): string => createHash('sha256').update(text).digest('hex');

/** What HTTPS takes of this machine. */
function tlsParts({ read, show }: Files, env: LoadOptions['env']): TlsParts {
  const now = new Date();
  return {
    ...{ read, show, env, hash, now, isCertificateText },
    inspectPair: (chain, key) => inspectPair(chain, key, now),
  };
}

/** The operator's files. Anything that cannot be read as a file is not there. */
function machineFiles(cwd: string): Files {
  return {
    home: homedir(),
    show: (path) => showFile(cwd, path),
    read: (path) => {
      try {
        return statSync(path).isFile() ? readFileSync(path, 'utf8') : undefined;
      } catch {
        return undefined;
      }
    },
  };
}

function projectName(compose: ComposeProject): string {
  const name = child(compose.root, 'name');
  return name?.kind === 'scalar' ? `${name.value}` : '';
}

/** Names of services of a file that is wrong elsewhere, so that problems with routes are shown in the same run. */
function readableServices(compose: ComposeProject): Readonly<Record<string, ServiceModel>> | undefined {
  const services = child(compose.root, 'services');
  return services?.kind === 'map'
    ? (toJson(services) as unknown as Readonly<Record<string, ServiceModel>>)
    : undefined;
}

function checkScale(options: LoadOptions, compose: ComposeProject): readonly Problem[] {
  const unknown = Object.keys(options.scale ?? {}).filter(
    (name) => compose.model?.services[name] === undefined,
  );
  return unknown.map((name) =>
    problemAt(compose.place(['services'], 'key'), ['services'], `there is no service "${name}" to scale`),
  );
}

function checkBuildHosts(
  services: Desired['services'],
  config: Pick<Config, 'hosts'>,
  compose: ComposeProject,
): readonly Problem[] {
  const names = config.hosts.map(({ name }) => name);
  return Object.values(services).flatMap(({ name, build }) => {
    if (build?.on === undefined || names.includes(build.on)) return [];
    const path = ['services', name, 'x-seawall', 'build', 'on'];
    const remedy = `The hosts are ${names.join(', ')}.`;
    return [problemAt(compose.place(path), path, `there is no host "${build.on}" to build on`, remedy)];
  });
}
