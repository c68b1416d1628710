import type { Desired, DesiredService } from '../compose/desired.ts';
import { canonicalJson } from './canonical.ts';
import { type Hash, replicaIdentity } from './config-hash.ts';

/** One value that differs, ready to be shown: secret values stand as their hash. */
export interface Difference {
  readonly path: string;
  readonly from: string | null;
  readonly to: string | null;
}

/** What makes a service's new containers differ from those of an earlier release, key by key. */
export function serviceDifferences(
  before: { desired: Desired; service: DesiredService } | undefined,
  after: { desired: Desired; service: DesiredService },
  hash: Hash,
): Difference[] {
  if (!before) return [];
  const from = flatten(replicaIdentity(before.desired, before.service), hash);
  const to = flatten(replicaIdentity(after.desired, after.service), hash);
  return [...new Set([...from.keys(), ...to.keys()])]
    .sort()
    .filter((path) => from.get(path) !== to.get(path))
    .map((path) => ({ path, from: from.get(path) ?? null, to: to.get(path) ?? null }));
}

/** A difference on one line, such as `image: a:1 → a:2`. */
export function describeDifference({ path, from, to }: Difference): string {
  if (from === null) return `${path}: + ${to}`;
  if (to === null) return `${path}: - ${from}`;
  return `${path}: ${from} → ${to}`;
}

function flatten(identity: unknown, hash: Hash): Map<string, string> {
  const leaves = new Map<string, string>();
  const walk = (path: string, value: unknown): void => {
    if (value === undefined) return;
    if (path === 'container.Env' && Array.isArray(value)) walkEnv(value, leaves, hash);
    else if (value === null || typeof value !== 'object') leaves.set(path, String(value));
    else if (Array.isArray(value)) leaves.set(path, canonicalJson(value));
    else for (const [key, inner] of Object.entries(value)) walk(path === '' ? key : `${path}.${key}`, inner);
  };
  walk('', identity);
  return leaves;
}

/** Values of environment variables may be secrets: only that and which one changed is shown. */
function walkEnv(entries: readonly unknown[], leaves: Map<string, string>, hash: Hash): void {
  for (const entry of entries) {
    const text = String(entry);
    const cut = text.indexOf('=');
    const name = cut === -1 ? text : text.slice(0, cut);
    leaves.set(`environment.${name}`, `(${hash(text).slice(0, 6)})`);
  }
}
