/** Which CAs a test's visitors trust, and which of them issued what an edge shows. */
import assert from 'node:assert/strict';
import type { Project } from './project.ts';
import type { TlsStage } from './stage.ts';
import { type Shown, shown } from './visitor.ts';

/** Roots, PEM. */
export interface Roots {
  readonly acme: string;
  readonly staging: string;
  /** The cluster's private CA; empty before there is one. */
  readonly private: string;
}

export async function rootsOf(stage: TlsStage, project?: Project): Promise<Roots> {
  const [acme, staging] = await Promise.all([stage.acme.root(), stage.staging.root()]);
  return { acme, staging, private: project === undefined ? '' : await exportRoot(project) };
}

/** `seawall ca export`: the root for trust stores. */
async function exportRoot(project: Project): Promise<string> {
  const { stdout } = await project.expect(0, ['ca', 'export']);
  assert.match(stdout, /BEGIN CERTIFICATE/);
  return stdout;
}

/** All that a visitor may trust without knowing who issues now. */
export const anyOf = (roots: Roots): string => [roots.acme, roots.staging, roots.private].join('\n');

/** Which of the roots the certificate leads to that an edge shows for a name. */
export async function issuerOf(
  edge: string,
  name: string,
  roots: Roots,
): Promise<{ readonly by: keyof Roots; readonly seen: Shown }> {
  for (const by of ['acme', 'private', 'staging'] as const) {
    if (roots[by] === '') continue;
    const seen = await shown(edge, name, roots[by]);
    if (seen.isTrusted) return { by, seen };
  }
  const seen = await shown(edge, name, '');
  throw new Error(`${name} at ${edge}: nobody's certificate, issued by ${seen.issuer}`);
}

/** The certificate that all edges show; undefined while they differ. */
export async function shownEverywhere(
  edges: readonly string[],
  name: string,
  roots: Roots,
): Promise<{ readonly by: keyof Roots; readonly seen: Shown } | undefined> {
  const all = await Promise.all(edges.map((edge) => issuerOf(edge, name, roots)));
  const [first, ...others] = all;
  return others.every(({ seen }) => seen.fingerprint === first?.seen.fingerprint) ? first : undefined;
}
