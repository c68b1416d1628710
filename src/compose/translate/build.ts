import { parseBytes } from '../../units.ts';
import type { DesiredBuild } from '../desired.ts';
import type { ServiceModel } from '../model.ts';
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
  const path = ['services', name, 'build', 'context'];
  if (isRemote(build.context)) {
    refuse(
      input,
      remarks,
      path,
      'sources are taken from this machine only',
      'Clone them and name the folder.',
    );
    return undefined;
  }
  const fact = input.contents.get(build.context);
  if (fact !== undefined && isRefusal(fact)) {
    refuse(input, remarks, path, fact.text, fact.remedy);
    return undefined;
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
    tags: [...(service.image === undefined ? [] : [service.image]), ...(build.tags ?? [])],
    sourceHash: input.sourceHashes.get(name) ?? '',
    ...(on === undefined ? {} : { on }),
  };
}
