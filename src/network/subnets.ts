import { type CallOptions, type CatalogClient, parseEntry, updateRecord } from '../catalog/index.ts';
import { KEY, type SubnetRecord } from '../catalog/record.ts';
import { SeawallError } from '../errors.ts';
import { allocateBlock, findBlock } from './ranges.ts';

export interface SubnetOwner {
  readonly host: string;
  readonly project: string;
  readonly network: string;
  readonly internal: boolean;
}

/**
 * Gives a network its block on a host, or finds the one that it has, by compare-and-set. Throws `refused` when the host
 * has no block left.
 * @returns the block's number, 1 … 31
 */
export async function ensureSubnet(
  client: Pick<CatalogClient, 'kvGet' | 'kvPut'>,
  owner: SubnetOwner,
  options: CallOptions = {},
): Promise<number> {
  const key = KEY.subnet(owner.host);
  const { host, project, network, internal } = owner;
  const record = await updateRecord<SubnetRecord>(
    client,
    key,
    (present = { host, blocks: {} }) => allocateBlock(present, { project, network, internal }).record,
    options,
  );
  const block = record === undefined ? undefined : findBlock(record, project, network);
  if (block === undefined) throw new SeawallError('bug', `${key} lost the block of ${project}/${network}`);
  return block;
}

/** Gives the blocks of a project on every host back. Its Docker networks must be gone. */
export async function releaseSubnets(
  client: Pick<CatalogClient, 'kvGet' | 'kvPut' | 'kvList'>,
  project: string,
  options: CallOptions = {},
): Promise<void> {
  const { value: entries } = await client.kvList(KEY.subnets, options);
  for (const entry of entries) {
    if (!owns(parseEntry<SubnetRecord>(entry), project)) continue;
    await updateRecord<SubnetRecord>(
      client,
      entry.key,
      (present) => (present === undefined ? undefined : without(present, project)),
      options,
    );
  }
}

const owns = (record: SubnetRecord, project: string): boolean =>
  Object.values(record.blocks).some((owner) => owner.project === project);

function without(record: SubnetRecord, project: string): SubnetRecord {
  const kept = Object.entries(record.blocks).filter(([, owner]) => owner.project !== project);
  return { host: record.host, blocks: Object.fromEntries(kept) };
}
