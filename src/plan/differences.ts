import type { Desired, DesiredService } from '../compose/desired.ts';
import { canonicalJson } from './canonical.ts';
import { type Hash, replicaIdentity } from './config-hash.ts';

/** One value that differs, ready to be shown. `from` and `to` are absent for what may be secret: that it changed is said. */
export interface Difference {
  readonly path: string;
  readonly kind: 'added' | 'removed' | 'changed';
  readonly from?: string;
  readonly to?: string;
}

interface Leaf {
  readonly value: string;
  readonly isSecret: boolean;
}

/** What makes a service's new containers differ from those of an earlier release, key by key. */
export function serviceDifferences(
  before: { desired: Desired; service: DesiredService } | undefined,
  after: { desired: Desired; service: DesiredService },
  hash: Hash,
): Difference[] {
  if (!before) return [];
  const from = leavesOf(replicaIdentity(before.desired, before.service), hash);
  const to = leavesOf(replicaIdentity(after.desired, after.service), hash);
  return [...new Set([...from.keys(), ...to.keys()])].sort().flatMap((path): Difference[] => {
    const old = from.get(path);
    const now = to.get(path);
    if (old?.value === now?.value) return [];
    const kind = old === undefined ? 'added' : now === undefined ? 'removed' : 'changed';
    return [
      {
        path,
        kind,
        ...(old === undefined || old.isSecret ? {} : { from: old.value }),
        ...(now === undefined || now.isSecret ? {} : { to: now.value }),
      },
    ];
  });
}

/** A difference on one line, such as `image: a:1 → a:2` or `environment.PASSWORD changed`. */
export function describeDifference({ path, kind, from, to }: Difference): string {
  const shown = from ?? to;
  if (shown === undefined) return `${path} ${kind}`;
  if (kind === 'changed') return `${path}: ${from} → ${to}`;
  return `${path} ${kind}: ${shown}`;
}

function leavesOf(identity: unknown, hash: Hash): Map<string, Leaf> {
  const leaves = new Map<string, Leaf>();
  const open = (path: string, value: string): void => void leaves.set(path, { value, isSecret: false });
  const secret = (path: string, value: string): void =>
    void leaves.set(path, { value: hash(value), isSecret: true });
  const walk = (path: string, value: unknown): void => {
    if (value === undefined) return;
    if (path === 'container.Env' && Array.isArray(value)) {
      for (const entry of value.map(String)) secret(`environment.${entry.split('=', 1)[0]}`, entry);
    } else if (path === 'mounts' && Array.isArray(value)) {
      for (const mount of value as { target: string; kind: string }[]) walkMount(mount);
    } else if (value === null || typeof value !== 'object') open(path, String(value));
    else if (Array.isArray(value)) open(path, canonicalJson(value));
    else for (const [key, inner] of Object.entries(value)) walk(path === '' ? key : `${path}.${key}`, inner);
  };
  // The hash of a small secret could be guessed back: of content only that it changed is said.
  const walkMount = (mount: { readonly target: string; readonly kind: string }): void => {
    const path = `mounts.${mount.target}`;
    if (mount.kind === 'content') secret(path, canonicalJson(mount));
    else open(path, canonicalJson(mount));
  };
  walk('', identity);
  return leaves;
}
