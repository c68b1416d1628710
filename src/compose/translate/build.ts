import { parseBytes } from '../../units.ts';
import type { BuildSecret, DesiredBuild } from '../desired.ts';
import type { BuildModel, ServiceModel } from '../model.ts';
import { isRemote } from '../resolve-paths.ts';
import { sorted } from './container.ts';
import { isRefusal, type Remarks, type TranslateInput } from './input.ts';
import { refuse } from './remark.ts';

const isOn = (value: boolean | string | undefined) => value === true || value === 'true';

/** How the image of a service is built. */
export function desiredBuild(
  name: string,
  service: ServiceModel,
  on: string | undefined,
  input: TranslateInput,
  remarks: Remarks,
): DesiredBuild | undefined {
  const build = service.build;
  if (build === undefined) return undefined;
  const path = ['services', name, 'build'];
  if (isRemote(build.context)) {
    refuse(
      input,
      remarks,
      [...path, 'context'],
      'sources are taken from this machine only',
      'Clone them and name the folder.',
    );
    return undefined;
  }
  const refusal = input.buildRefusals.get(name);
  if (refusal !== undefined) {
    refuse(input, remarks, [...path, ...refusal.key], refusal.text, refusal.remedy);
    return undefined;
  }
  for (const { source } of build.secrets ?? []) refuseSecret(source, input, remarks);
  for (const [context, address] of Object.entries(build.additional_contexts ?? {})) {
    if (!address.startsWith('service:')) continue;
    refuse(
      input,
      remarks,
      ['services', name, 'build', 'additional_contexts', context],
      'the image of another service cannot be a context',
      'Write both as stages of one Dockerfile, each with its own "target:".',
    );
  }
  const shmBytes = build.shm_size === undefined ? undefined : parseBytes(build.shm_size);
  const args = Object.entries(build.args ?? {}).filter(
    (entry): entry is [string, string] => entry[1] !== null,
  );
  return {
    context: build.context,
    dockerfile: build.dockerfile ?? 'Dockerfile',
    ...(build.dockerfile_inline === undefined ? {} : { dockerfileInline: build.dockerfile_inline }),
    args: sorted(Object.fromEntries(args)),
    ...(build.target === undefined ? {} : { target: build.target }),
    ...(build.network === undefined ? {} : { network: build.network }),
    labels: sorted(build.labels ?? {}),
    extraHosts: (build.extra_hosts ?? []).map((entry) => entry.replace('=', ':')),
    cacheFrom: build.cache_from ?? [],
    noCache: isOn(build.no_cache),
    pull: isOn(build.pull),
    platforms: build.platforms ?? (service.platform === undefined ? [] : [service.platform]),
    ...(shmBytes === undefined ? {} : { shmBytes }),
    ...builderExtras(build, input),
    tags: [...(service.image === undefined ? [] : [service.image]), ...(build.tags ?? [])],
    sourceHash: input.sourceHashes.get(name) ?? '',
    ...(on === undefined ? {} : { on }),
  };
}

/** What RUN steps get besides the context. */
function builderExtras(build: BuildModel, input: TranslateInput): Partial<DesiredBuild> {
  const ulimits = Object.entries(build.ulimits ?? {}).map(([limit, value]) =>
    typeof value === 'number'
      ? `${limit}=${value}:${value}`
      : `${limit}=${value.soft ?? 0}:${value.hard ?? 0}`,
  );
  const secrets = (build.secrets ?? []).map(({ source, target }) => buildSecret(source, target, input));
  const hasSome = (values: object | undefined) => values !== undefined && Object.keys(values).length > 0;
  return {
    ...(hasSome(build.additional_contexts) ? { contexts: sorted(build.additional_contexts ?? {}) } : {}),
    ...(secrets.length > 0 ? { secrets } : {}),
    ...(hasSome(build.ssh) ? { ssh: build.ssh ?? [] } : {}),
    ...(hasSome(build.cache_to) ? { cacheTo: build.cache_to ?? [] } : {}),
    ...(ulimits.length > 0 ? { ulimits: ulimits.sort() } : {}),
  };
}

/** Says it of a secret whose file cannot be read. */
function refuseSecret(name: string, input: TranslateInput, remarks: Remarks): void {
  const file = input.model.secrets?.[name]?.file;
  const fact = file === undefined ? undefined : input.contents.get(file);
  if (fact !== undefined && isRefusal(fact))
    refuse(input, remarks, ['secrets', name, 'file'], fact.text, fact.remedy);
}

/** RUN steps know a secret by its target, as Docker Compose names it. */
function buildSecret(name: string, target: string | undefined, input: TranslateInput): BuildSecret {
  const secret = input.model.secrets?.[name];
  const id = target ?? name;
  if (secret?.file !== undefined) return { id, source: secret.file };
  return { id, text: input.lookup(secret?.environment ?? '') ?? '' };
}
