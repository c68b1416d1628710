import type { Body } from './body.ts';
import { parseGoDuration } from './duration.ts';
import { HttpError } from './http-error.ts';
import { checkRemoval, cutOutput, serviceRow } from './services.ts';
import type { State } from './state.ts';
import type { Draft, DraftChange } from './tables.ts';
import { onNode } from './tables.ts';

/** Drafts of `/v1/agent/service/register`. A check that stays keeps its status, so that registering anew is not seen. */
export function serviceRegistration(
  state: State,
  node: string,
  body: Body,
  replaceChecks: boolean,
): DraftChange[] {
  const service = serviceRow(node, body);
  const single = body.child('Check');
  const bodies = [...(single === undefined ? [] : [single]), ...body.children('Checks')];
  const drafts = bodies.flatMap((check, at) => {
    const suffix = bodies.length > 1 ? `:${at + 1}` : '';
    const id = check.text('CheckID') || `service:${service.ID}${suffix}`;
    return ttlCheck(state, node, {
      body: check,
      id,
      name: check.text('Name') || `Service '${service.Service}' check`,
      service,
    });
  });
  const kept = new Set(drafts.map((draft) => draft.id));
  const old = state.rows('check').filter((row) => row.Node === node && row.ServiceID === service.ID);
  const gone = replaceChecks ? old.map((row) => onNode(node, row.CheckID)).filter((id) => !kept.has(id)) : [];
  return [
    { table: 'service', id: onNode(node, service.ID), row: service },
    ...gone.flatMap(checkRemoval),
    ...drafts,
  ];
}

/** Drafts of `/v1/agent/check/register`. */
export function checkRegistration(state: State, node: string, body: Body): DraftChange[] {
  const name = body.text('Name');
  if (name === '') throw new HttpError(400, 'Missing check name');
  const serviceId = body.text('ServiceID');
  const service = serviceId === '' ? undefined : state.get('service', onNode(node, serviceId));
  if (serviceId !== '' && service === undefined)
    throw new HttpError(500, `ServiceID "${serviceId}" does not exist`);
  return ttlCheck(state, node, { body, id: body.text('CheckID') || body.text('ID') || name, name, service });
}

interface CheckPlan {
  readonly body: Body;
  readonly id: string;
  readonly name: string;
  readonly service: Draft<'service'> | undefined;
}

function ttlCheck(state: State, node: string, { body, id, name, service }: CheckPlan): DraftChange[] {
  refuseActiveCheck(body);
  const ttlMs = parseGoDuration(body.text('TTL')) ?? 0;
  if (ttlMs <= 0) throw new HttpError(400, 'Invalid check: TTL must be > 0 for TTL checks');
  const key = onNode(node, id);
  const present = state.get('check', key);
  const row: Draft<'check'> = {
    Node: node,
    CheckID: id,
    Name: name,
    Status: present?.Status ?? (body.text('Status') || 'critical'),
    Notes: body.text('Notes'),
    Output: present?.Output ?? cutOutput(body.text('Output')),
    ServiceID: service?.ID ?? '',
    ServiceName: service?.Service ?? '',
    ServiceTags: service?.Tags ?? [],
    Type: 'ttl',
    Definition: {},
  };
  return [
    { table: 'check', id: key, row },
    { table: 'ttl', id: key, row: { ttlMs } },
  ];
}

/** Scripts would let any holder of the token run programs here; the rest is not built yet and must not seem to be. */
function refuseActiveCheck(body: Body): void {
  if (['Args', 'ScriptArgs', 'Script', 'DockerContainerID'].some((field) => body.has(field))) {
    throw new HttpError(500, 'Scripts are disabled on this agent: the embedded catalog runs none');
  }
  const active = ['HTTP', 'TCP', 'GRPC', 'AliasNode', 'AliasService', 'DeregisterCriticalServiceAfter'];
  const found = active.find((field) => body.has(field));
  if (found !== undefined)
    throw new HttpError(400, `The embedded catalog does not know ${found}: use a TTL check`);
}
