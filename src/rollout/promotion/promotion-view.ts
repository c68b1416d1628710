import { type ClusterFile, epochOf } from '../../cluster.ts';
import { SeawallError } from '../../errors.ts';
import { type FoundSnapshot, freshestSnapshot, missingReleases } from './choose.ts';
import type { Rebuilt } from './rebuild.ts';
import type { HostSurvey } from './survey.ts';

/** What a promotion is about to do. */
export interface PromotionView {
  readonly from: string;
  readonly to: string;
  readonly epoch: number;
  /** `catalog`: the present one answers, nothing is lost; `in-place`: it is there already. */
  readonly source: 'catalog' | 'snapshot' | 'rebuild' | 'in-place';
  readonly snapshot?: FoundSnapshot;
  /** What is known to be missing in the snapshot. */
  readonly missing: readonly string[];
  /** Hosts that do not answer; they learn of it by themselves when they are back. */
  readonly unreachable: readonly string[];
}

/**
 * What a promotion of the host would come to.
 * @throws SeawallError `refused` when there is nothing to start from.
 */
export function promotionView(found: {
  readonly options: { readonly host: string; readonly from?: 'snapshot' | 'rebuild' | undefined };
  readonly present: ClusterFile;
  readonly members: readonly HostSurvey[];
  readonly failures: readonly { readonly name: string }[];
  readonly isLive: boolean;
  readonly rebuilt: Rebuilt | undefined;
}): PromotionView {
  const { options, present, members, failures, isLive, rebuilt } = found;
  const { catalog } = present;
  const [from, to] = [catalog.host, options.host];
  const unreachable = failures.map(({ name }) => name);
  const base = { from, to, unreachable, missing: [], epoch: epochOf(catalog) + 1 };
  if (rebuilt !== undefined) {
    const unseen = unreachable.map(
      (name) => `what ${name}, which is away, may still run: deploy before it comes back`,
    );
    return { ...base, source: 'rebuild', missing: [...rebuilt.missing, ...unseen] };
  }
  const isTaken = isLive && options.from === undefined;
  if (isTaken && from === to) return { ...base, epoch: epochOf(catalog), source: 'in-place' };
  if (isTaken) return { ...base, source: 'catalog' };
  const snapshot = freshestSnapshot(members);
  if (snapshot === undefined) {
    throw new SeawallError(
      'refused',
      `the catalog on ${from} does not answer, and no host that does has a good snapshot of it`,
      {
        hint: `Bring ${from} back, or have the catalog put together from what the hosts have: seawall catalog promote ${to} --rebuild`,
      },
    );
  }
  return {
    ...base,
    source: 'snapshot',
    snapshot,
    missing: missingReleases(members, snapshot.snapshot.releases),
  };
}
