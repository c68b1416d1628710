import { X509Certificate } from 'node:crypto';
import type { CatalogClient } from '../catalog/index.ts';
import type { Authority } from '../certs/index.ts';
import { SeawallError } from '../errors.ts';
import type { Session } from '../rollout/index.ts';
import { type AuthorityView, authorityView, type IssuedView, issuedView } from './ca-view.ts';
import type { Context } from './context.ts';
import type { ProgressView } from './progress.ts';
import { progressView } from './progress.ts';
import { readProject, refuseHosts, withSession } from './project.ts';

/** What a `ca` command works on. */
export interface AuthoritySession {
  readonly client: CatalogClient;
  /** Seals the CA's keys; from the cluster file of a host. */
  readonly clusterKey: string;
  readonly signal: AbortSignal;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly progress: ProgressView;
  /** The project's hosts; of the cluster's those that it names. */
  readonly hosts: Session;
}

/** Connects to the cluster of the project, for a command that concerns it as a whole. */
export async function withAuthorities(
  context: Context,
  command: string,
  work: (session: AuthoritySession) => Promise<number>,
  { takesHosts = false }: { readonly takesHosts?: boolean } = {},
): Promise<number> {
  if (!takesHosts) refuseHosts(context, command);
  const project = await readProject(context);
  const progress = progressView(context);
  return withSession(context, project, progress, async (session) => {
    const { clusterOf } = await import('../rollout/index.ts');
    const { client, cluster } = clusterOf(session);
    const { signal, terminal } = context;
    return work({ client, clusterKey: cluster.key, signal, now: terminal.now(), progress, hosts: session });
  });
}

/** The CA, its intermediate fit to issue. @throws SeawallError `refused` when there is none. */
export async function presentAuthority(session: AuthoritySession): Promise<Authority> {
  const { ensureAuthority, readAuthority } = await import('../certs/index.ts');
  if ((await readAuthority(session)) !== undefined) return ensureAuthority(session);
  throw new SeawallError('refused', 'there is no private CA yet', { hint: 'Run: seawall ca init' });
}

/** The CA as it is shown. */
export async function describeAuthority({ record }: Authority): Promise<AuthorityView> {
  const { authorityId, fingerprint256 } = await import('../certs/index.ts');
  const end = (pem: string): string => new Date(new X509Certificate(pem).validTo).toISOString();
  return authorityView(record, {
    id: authorityId(record),
    fingerprint: fingerprint256(record.root.certificate),
    rootNotAfter: end(record.root.certificate),
    intermediateNotAfter: end(record.intermediate.certificate),
  });
}

/** The CA, if there is one, and all that is known of what was issued, with where it lies and when it is renewed. */
export async function readViews({ client, clusterKey, signal, now }: AuthoritySession): Promise<{
  readonly authority: Authority | undefined;
  readonly issued: readonly IssuedView[];
}> {
  const { authorityId, listIssued, readAuthority } = await import('../certs/index.ts');
  const { readCertificates } = await import('../rollout/index.ts');
  const [authority, issued, statuses] = await Promise.all([
    readAuthority({ client, clusterKey, signal }),
    listIssued(client, { signal }),
    readCertificates(client, signal, () => now),
  ]);
  const id = authority && authorityId(authority.record);
  return { authority, issued: issued.map((record) => issuedView(record, id, now, statuses)) };
}
