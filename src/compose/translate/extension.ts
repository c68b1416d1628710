import { nearestName } from '../../names.ts';
import { parseDurationMs } from '../../units.ts';
import type { ServiceModel } from '../model.ts';
import type { Remarks, TranslateInput } from './input.ts';
import { refuse } from './remark.ts';

/** `x-seawall` in a service: what neither Compose nor seawall.yml has a place for. */
export interface ServiceExtension {
  /** Milliseconds between "no new requests" and SIGTERM, at the most. */
  readonly drainMs: number;
  /** Never two replicas, not even for a moment. */
  readonly isSingleton: boolean;
  /** Host that builds the image. */
  readonly buildOn?: string;
}

const KEYS = ['drain', 'singleton', 'build', 'certificate'];
const DRAIN_MS = 30_000;

export function serviceExtension(
  name: string,
  service: ServiceModel,
  input: TranslateInput,
  remarks: Remarks,
): ServiceExtension {
  const path = ['services', name, 'x-seawall'];
  const written = service['x-seawall'];
  if (written === undefined) return { drainMs: DRAIN_MS, isSingleton: false };
  if (!isMap(written)) {
    refuse(input, remarks, path, 'must be a map', `Its keys are ${KEYS.join(', ')}.`);
    return { drainMs: DRAIN_MS, isSingleton: false };
  }
  for (const key of Object.keys(written)) {
    if (KEYS.includes(key)) continue;
    const nearest = nearestName(key, KEYS);
    refuse(
      input,
      remarks,
      [...path, key],
      `"x-seawall" has no key "${key}"${nearest === undefined ? '' : `; did you mean "${nearest}"?`}`,
      `Its keys are ${KEYS.join(', ')}.`,
    );
  }
  const drain = 'drain' in written ? parseDurationMs(`${written.drain}`) : DRAIN_MS;
  if (drain === undefined || drain < 0)
    refuse(input, remarks, [...path, 'drain'], 'must be a duration such as 30s');
  const singleton = written.singleton;
  if (singleton !== undefined && typeof singleton !== 'boolean')
    refuse(input, remarks, [...path, 'singleton'], 'must be true or false');
  const build = written.build;
  const on = isMap(build) ? build.on : undefined;
  if (build !== undefined && typeof on !== 'string')
    refuse(input, remarks, [...path, 'build'], 'must be a map with "on", the name of a host');
  return {
    drainMs: drain ?? DRAIN_MS,
    isSingleton: singleton === true,
    ...(typeof on === 'string' ? { buildOn: on } : {}),
  };
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
