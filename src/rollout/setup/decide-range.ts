import { SeawallError } from '../../errors.ts';

/** What a cluster gets when nobody says and nothing speaks against it. */
const USUAL_RANGE = '10.208.0.0/12';

/** The range of a cluster. @throws SeawallError `refused` when it has another one already. */
export function decideRange(wish: string | undefined, existing: string | undefined): string {
  if (existing === undefined) return wish ?? USUAL_RANGE;
  if (wish === undefined || wish === existing) return existing;
  throw new SeawallError('refused', `the cluster's range is ${existing}, seawall.yml says ${wish}`, {
    where: 'network.range',
    hint: `Write network: { range: ${existing} }; the range of a cluster stays.`,
  });
}
