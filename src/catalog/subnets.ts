import { SeawallError } from '../errors.ts';
import { BLOCKS, blockSubnet } from '../ranges.ts';
import type { CatalogClient } from './client.ts';
import { parseEntry, updateRecord } from './json.ts';
import { KEY, type SubnetRecord } from './record.ts';
import type { CallOptions } from './transport.ts';

export interface SubnetOwner {
  readonly host: string;
  readonly project: string;
  readonly network: string;
  readonly internal: boolean;
}

export interface Subnet {
  /** 1 … 31 within the host's range. */
  readonly block: number;
  readonly cidr: string;
}

/**
 * Gives a network its block on a host, or finds the one that it has, by compare-and-set. Throws `refused` when the host
 * has no block left.
 * @param range CIDR of the cluster
 * @param number of the host
 */
export async function ensureSubnet(
  client: Pick<CatalogClient, 'kvGet' | 'kvPut'>,
  range: string,
  number: number,
  owner: SubnetOwner,
  options: CallOptions = {},
): Promise<Subnet> {
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
  return { block, cidr: blockSubnet(range, number, block) };
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

/** The block of a network on a host, `undefined` when it has none yet. */
function findBlock(record: SubnetRecord, project: string, network: string): number | undefined {
  const found = Object.entries(record.blocks).find(
    ([, owner]) => owner.project === project && owner.network === network,
  );
  return found === undefined ? undefined : Number(found[0]);
}

/**
 * The record with a block for this network. A network keeps its block; a new one takes the lowest free. Throws
 * `refused` when all 31 are in use.
 */
function allocateBlock(
  record: SubnetRecord,
  owner: { readonly project: string; readonly network: string; readonly internal: boolean },
): { readonly record: SubnetRecord; readonly block: number } {
  const { project, network, internal } = owner;
  const known = findBlock(record, project, network);
  const block =
    known ??
    Array.from({ length: BLOCKS - 1 }, (_, index) => index + 1).find((n) => record.blocks[n] === undefined);
  if (block === undefined) {
    throw new SeawallError(
      'refused',
      `Host ${record.host} has no block left for network "${network}" of ${project}`,
      {
        hint: `A host takes part in ${BLOCKS - 1} networks; take a project that is not needed down with \`seawall down\`.`,
        where: record.host,
      },
    );
  }
  return {
    record: { host: record.host, blocks: { ...record.blocks, [block]: { project, network, internal } } },
    block,
  };
}
