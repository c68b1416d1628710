import type { Body } from './body.ts';
import { HttpError } from './http-error.ts';
import type { State } from './state.ts';
import type { CheckRow, Draft, DraftChange, NodeRow, ServiceRow } from './tables.ts';
import { onNode } from './tables.ts';

/** Longer output is cut, as a Consul agent does (agent/checks: BufSize). */
const OUTPUT_BYTES = 4096;

/** Drafts of a `/v1/catalog/register` body. @throws HttpError 500 with Consul's texts. */
export function registrationDrafts(state: State, body: Body): DraftChange[] {
  const node = checkedName(body.text('Node'), 'node');
  const skip = body.flag('SkipNodeUpdate');
  if (body.text('Address') === '' && !skip)
    throw new HttpError(500, 'Must provide address if SkipNodeUpdate is not set');
  const drafts: DraftChange[] = [];
  const present = state.get('node', node);
  if (present === undefined || !skip) drafts.push({ table: 'node', id: node, row: nodeRow(node, body) });
  const serviceBody = body.child('Service');
  const service = serviceBody && serviceRow(node, serviceBody);
  if (service !== undefined) drafts.push({ table: 'service', id: onNode(node, service.ID), row: service });
  const single = body.child('Check');
  for (const check of [...(single === undefined ? [] : [single]), ...body.children('Checks')]) {
    const row = checkRow(state, node, check, service);
    drafts.push({ table: 'check', id: onNode(node, row.CheckID), row });
  }
  return drafts;
}

/** Drafts of a `/v1/catalog/deregister` body: a service, else a check, else the node. */
export function deregistrationDrafts(state: State, body: Body): DraftChange[] {
  const node = checkedName(body.text('Node'), 'node');
  const serviceId = body.text('ServiceID');
  if (serviceId !== '') return serviceRemoval(state, node, serviceId);
  const checkId = body.text('CheckID');
  return checkId === '' ? nodeRemoval(state, node) : checkRemoval(onNode(node, checkId));
}

/** A service with its checks. */
export function serviceRemoval(state: State, node: string, serviceId: string): DraftChange[] {
  const checks = state.rows('check').filter((row) => row.Node === node && row.ServiceID === serviceId);
  return [
    { table: 'service', id: onNode(node, serviceId), row: null },
    ...checks.flatMap((row) => checkRemoval(onNode(node, row.CheckID))),
  ];
}

export function checkRemoval(id: string): DraftChange[] {
  return [
    { table: 'check', id, row: null },
    { table: 'ttl', id, row: null },
  ];
}

function nodeRemoval(state: State, node: string): DraftChange[] {
  const services = state.rows('service').filter((row) => row.Node === node);
  const checks = state.rows('check').filter((row) => row.Node === node);
  return [
    ...services.map((row): DraftChange => ({ table: 'service', id: onNode(node, row.ID), row: null })),
    ...checks.flatMap((row) => checkRemoval(onNode(node, row.CheckID))),
    { table: 'node', id: node, row: null },
  ];
}

function nodeRow(node: string, body: Body): Draft<'node'> {
  return {
    ID: body.text('ID'),
    Node: node,
    Address: body.text('Address'),
    Datacenter: 'dc1',
    TaggedAddresses: body.map('TaggedAddresses'),
    Meta: body.map('NodeMeta'),
  };
}

/** A service out of catalog/register (`Service` is its name) or agent/service/register (`Name`). */
export function serviceRow(node: string, body: Body): Draft<'service'> {
  const name = body.text('Service') || body.text('Name');
  if (name === '') throw new HttpError(400, 'Missing service name');
  const weights = body.child('Weights');
  const tagged = body.childMap('TaggedAddresses');
  return {
    Node: node,
    ID: checkedName(body.text('ID') || name, 'service id'),
    Service: checkedName(name, 'service name'),
    Tags: body.texts('Tags'),
    Address: body.text('Address'),
    ...(tagged.length === 0
      ? {}
      : {
          TaggedAddresses: Object.fromEntries(
            tagged.map(([key, item]) => [key, { Address: item.text('Address'), Port: item.integer('Port') }]),
          ),
        }),
    Meta: body.map('Meta'),
    Port: body.integer('Port'),
    Weights: { Passing: weights?.integer('Passing', 1) ?? 1, Warning: weights?.integer('Warning', 1) ?? 1 },
    EnableTagOverride: body.flag('EnableTagOverride'),
  };
}

function checkRow(
  state: State,
  node: string,
  body: Body,
  written: Draft<'service'> | undefined,
): Draft<'check'> {
  const checkNode = body.text('Node');
  if (checkNode !== '' && checkNode !== node) {
    throw new HttpError(500, `failed inserting check: check node "${checkNode}" does not match "${node}"`);
  }
  const serviceId = body.text('ServiceID');
  const service = written?.ID === serviceId ? written : state.get('service', onNode(node, serviceId));
  if (serviceId !== '' && service === undefined) {
    throw new HttpError(500, `failed inserting check: Missing service registration on node "${node}"`);
  }
  return {
    Node: node,
    CheckID: checkedName(body.text('CheckID') || body.text('Name'), 'check id'),
    Name: body.text('Name'),
    Status: body.text('Status') || 'critical',
    Notes: body.text('Notes'),
    Output: cutOutput(body.text('Output')),
    ServiceID: serviceId,
    ServiceName: service?.Service ?? '',
    ServiceTags: service?.Tags ?? [],
    Type: '',
    Definition: {},
  };
}

/** The check after its TTL ran out. Nothing when it is gone. */
export function expireTtlCheck(state: State, id: string): DraftChange[] {
  const row = state.get('check', id);
  return row === undefined ? [] : [checkUpdate(row, 'critical', 'TTL expired')];
}

export function checkUpdate(
  { CreateIndex: _, ModifyIndex: __, ...row }: CheckRow,
  status: string,
  output: string,
): DraftChange {
  return {
    table: 'check',
    id: onNode(row.Node, row.CheckID),
    row: { ...row, Status: status, Output: cutOutput(output) },
  };
}

export function cutOutput(text: string): string {
  const bytes = Buffer.from(text);
  return bytes.length <= OUTPUT_BYTES
    ? text
    : bytes
        .subarray(0, OUTPUT_BYTES)
        .toString('utf8')
        .replace(/\uFFFD+$/, '');
}

/** Rows are found by `NODE newline ID`, so names are kept to one line. */
function checkedName(name: string, what: string): string {
  if (name === '') throw new HttpError(500, `Must provide ${what}`);
  if (/[\n\r\0]/.test(name)) throw new HttpError(400, `The ${what} may not contain line breaks`);
  return name;
}

/** A service as it appears inside its node. */
export function shownService({ Node: _, CreateIndex, ModifyIndex, ...row }: ServiceRow): unknown {
  return { ...row, Proxy: { MeshGateway: {}, Expose: {} }, Connect: {}, CreateIndex, ModifyIndex };
}

/** A service of `/v1/catalog/service/NAME`: node and service in one flat row. */
export function flatService(node: NodeRow, row: ServiceRow): unknown {
  return {
    ID: node.ID,
    Node: node.Node,
    Address: node.Address,
    Datacenter: node.Datacenter,
    TaggedAddresses: node.TaggedAddresses,
    NodeMeta: node.Meta,
    ServiceKind: '',
    ServiceID: row.ID,
    ServiceName: row.Service,
    ServiceTags: row.Tags,
    ServiceAddress: row.Address,
    ...(row.TaggedAddresses === undefined ? {} : { ServiceTaggedAddresses: row.TaggedAddresses }),
    ServiceWeights: row.Weights,
    ServiceMeta: row.Meta ?? {},
    ServicePort: row.Port,
    ServiceEnableTagOverride: row.EnableTagOverride,
    ServiceProxy: { MeshGateway: {}, Expose: {} },
    ServiceConnect: {},
    CreateIndex: row.CreateIndex,
    ModifyIndex: row.ModifyIndex,
  };
}

/** Instances of a service that carry all the tags, sorted by node, then id, each with its node. */
export function instancesOf(
  state: State,
  name: string,
  tags: readonly string[],
): { node: NodeRow; row: ServiceRow }[] {
  return state
    .rows('service')
    .filter((row) => row.Service === name && tags.every((tag) => row.Tags.includes(tag)))
    .toSorted((a, b) => byText(a.Node, b.Node) || byText(a.ID, b.ID))
    .flatMap((row) => {
      const node = state.get('node', row.Node);
      return node === undefined ? [] : [{ node, row }];
    });
}

/** Checks for which `keep` holds, sorted by node, then id. */
export function checksWhere(state: State, keep: (row: CheckRow) => boolean): CheckRow[] {
  return state
    .rows('check')
    .filter(keep)
    .toSorted((a, b) => byText(a.Node, b.Node) || byText(a.CheckID, b.CheckID));
}

export const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
