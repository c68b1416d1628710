/** Which certificates the projects together want. */
import { isDeepStrictEqual } from 'node:util';
import { type CertificateWish, MANUAL } from '../catalog/tls-record.ts';

/** Two projects want different certificates under one id. */
export interface WishConflict {
  readonly id: string;
  /** Project whose wish holds. */
  readonly holds: string;
  readonly yields: string;
}

export interface UnitedWishes {
  /** One per id, sorted by id. */
  readonly wishes: readonly CertificateWish[];
  readonly conflicts: readonly WishConflict[];
}

/**
 * Unites the wishes of all projects. Of two that want the same id the lower project name decides, whatever came first, so
 * that every leader decides alike; what a route says counts before what was asked for by hand. Sealed parts differ with each sealing and make no conflict.
 */
export function uniteWishes(byProject: ReadonlyMap<string, readonly CertificateWish[]>): UnitedWishes {
  const held = new Map<string, { readonly project: string; readonly wish: CertificateWish }>();
  const conflicts: WishConflict[] = [];
  const byName = [...byProject.keys()].toSorted();
  const projects = byName.toSorted((a, b) => Number(a === MANUAL) - Number(b === MANUAL));
  for (const project of projects) {
    for (const wish of byProject.get(project) ?? []) {
      const other = held.get(wish.id);
      if (other === undefined) held.set(wish.id, { project, wish });
      else if (!isDeepStrictEqual(plainParts(other.wish), plainParts(wish)))
        conflicts.push({ id: wish.id, holds: other.project, yields: project });
    }
  }
  const wishes = [...held.values()].map(({ wish }) => wish).toSorted((a, b) => (a.id < b.id ? -1 : 1));
  return { wishes, conflicts };
}

function plainParts({ dns, files, issuers, ...wish }: CertificateWish): unknown {
  return {
    ...wish,
    names: wish.names.toSorted(),
    hasDns: dns !== undefined,
    hasFiles: files !== undefined,
    issuers: issuers.map(({ binding, ...issuer }) => ({ ...issuer, isBound: binding !== undefined })),
  };
}

/** Whether two lists hold the same names, in whatever order. */
export const sameNames = (a: readonly string[] = [], b: readonly string[] = []): boolean =>
  isDeepStrictEqual(normal(a), normal(b));

const normal = (names: readonly string[]): string[] =>
  [...new Set(names.map((name) => name.toLowerCase()))].toSorted();
