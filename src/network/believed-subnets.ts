import type { SubnetRecord } from '../catalog/record.ts';

/**
 * The subnets to go by. A catalog without those of this host, which had some, lost its data or is not filled yet: all traffic of the
 * networks would be refused until they are written again.
 */
export function believedSubnets(
  heard: readonly SubnetRecord[],
  before: readonly SubnetRecord[],
  host: string,
): readonly SubnetRecord[] {
  const own = before.find((record) => record.host === host);
  const hadBlocks = own !== undefined && Object.keys(own.blocks).length > 0;
  return hadBlocks && !heard.some((record) => record.host === host) ? before : heard;
}
