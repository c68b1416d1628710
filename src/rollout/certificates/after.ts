import { describeError, SeawallError } from '../../errors.ts';
import type { RolloutResult } from '../result.ts';
import type { Session } from '../session.ts';
import { awaitCertificates } from './await.ts';

/**
 * A rollout's result with the certificates of its domains, when it told the edges routes. To be called when the lease is
 * given back: nobody has to wait for a CA.
 */
export async function withCertificates(session: Session, result: RolloutResult): Promise<RolloutResult> {
  const hasPublished = result.plan.steps.some(({ kind }) => kind === 'publish-routes');
  if (result.outcome !== 'done' || !hasPublished) return result;
  try {
    const certificates = await awaitCertificates(session);
    return certificates.length === 0 ? result : { ...result, certificates };
  } catch (error) {
    if (!(error instanceof SeawallError)) throw error;
    const notice = `the certificates could not be looked at: ${describeError(error)}. See: seawall cert ls`;
    return { ...result, notices: [...result.notices, notice] };
  }
}
