import type { CheckEntry, KvEntry, Registration, ServiceEntry, SessionEntry } from './entry.ts';
import { checkStatus } from './instance.ts';
import type { CheckRow, KvRow, ServiceRow, SessionRow } from './rows.ts';

/** Between Consul's rows and this program's entries. */

export function kvEntry(row: KvRow): KvEntry {
  return {
    key: row.Key,
    value: row.Value === null ? '' : Buffer.from(row.Value, 'base64').toString('utf8'),
    flags: row.Flags,
    createIndex: row.CreateIndex,
    modifyIndex: row.ModifyIndex,
    lockIndex: row.LockIndex,
    ...(row.Session === undefined || row.Session === '' ? {} : { session: row.Session }),
  };
}

/** Body of `/v1/catalog/register`. */
export function registrationBody(entry: Registration): unknown {
  const { node, nodeAddress, service, checks = [] } = entry;
  return {
    Node: node,
    Address: nodeAddress,
    SkipNodeUpdate: entry.skipNodeUpdate === true,
    Service: service && {
      ID: service.id,
      Service: service.name,
      Address: service.address,
      Port: service.port,
      Tags: service.tags,
      Meta: service.meta,
    },
    Checks: checks.map((check) => ({
      Node: node,
      CheckID: check.id,
      Name: check.name,
      Status: check.status,
      Output: check.output,
      Notes: check.notes ?? '',
      ServiceID: check.serviceId ?? '',
    })),
  };
}

export const serviceEntry = (row: ServiceRow): ServiceEntry => ({
  id: row.ID,
  name: row.Service,
  address: row.Address,
  port: row.Port,
  tags: row.Tags,
  meta: row.Meta,
});

export const checkEntry = (row: CheckRow): CheckEntry => ({
  id: row.CheckID,
  name: row.Name,
  status: checkStatus(row.Status),
  output: row.Output,
  notes: row.Notes,
  ...(row.ServiceID === '' ? {} : { serviceId: row.ServiceID }),
});

export const sessionEntry = (row: SessionRow): SessionEntry => ({
  id: row.ID,
  name: row.Name,
  node: row.Node,
  behavior: row.Behavior === 'delete' ? 'delete' : 'release',
});
