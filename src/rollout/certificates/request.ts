import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type CatalogClient,
  type CertificateRequest,
  type CertificateState,
  parseEntry,
  type RequestAnswer,
} from '../../catalog/index.ts';
import { KEY } from '../../catalog/record.ts';
import { SeawallError } from '../../errors.ts';
import { userName } from '../hold-lease.ts';

/** An order by DNS waits for name servers; whoever leads may first have to be found. */
const ANSWER_TIMEOUT_MS = 600_000;
/** A request that nobody took for so long is of a command that is gone. */
const STALE_MS = ANSWER_TIMEOUT_MS;
const PAUSE_MS = 500;

export interface Asked {
  readonly id: string;
  readonly kind: CertificateRequest['kind'];
  /** Of a revocation, RFC 5280 section 5.3.1. */
  readonly reason?: number;
}

/**
 * Asks whoever orders certificates for something and waits for the answer.
 * @throws SeawallError `locked` while somebody else's request is open, `timeout` when nobody answers.
 */
export async function askForCertificate(
  client: Pick<CatalogClient, 'kvGet' | 'kvPut'>,
  { id, kind, reason }: Asked,
  { signal, note }: { readonly signal: AbortSignal; readonly note: (text: string) => void },
): Promise<RequestAnswer> {
  const request: CertificateRequest = {
    ...{ kind, request: randomUUID(), by: userName(), at: new Date().toISOString() },
    ...(reason === undefined ? {} : { reason }),
  };
  await putRequest(client, id, request, signal);
  note('asked');
  const deadline = performance.now() + ANSWER_TIMEOUT_MS;
  for (;;) {
    const { value } = await client.kvGet(KEY.certificateState(id), { signal });
    const state = value === undefined ? undefined : parseEntry<CertificateState>(value);
    if (state?.answer?.request === request.request) return state.answer;
    note(progressOf(state));
    if (performance.now() >= deadline) {
      throw new SeawallError('timeout', `nobody answered within ${ANSWER_TIMEOUT_MS / 60_000} minutes`, {
        where: id,
        hint: 'It may still come: seawall cert ls. Look at the agents of the edges: seawall machine ls',
      });
    }
    await sleep(PAUSE_MS, undefined, { signal });
  }
}

async function putRequest(
  client: Pick<CatalogClient, 'kvGet' | 'kvPut'>,
  id: string,
  request: CertificateRequest,
  signal: AbortSignal,
): Promise<void> {
  const key = KEY.certificateRequest(id);
  const { value: entry } = await client.kvGet(key, { signal });
  const open = entry === undefined ? undefined : parseEntry<CertificateRequest>(entry);
  const isOpen = open !== undefined && Date.parse(request.at) - Date.parse(open.at) < STALE_MS;
  const cas = entry?.modifyIndex ?? 0;
  if (!isOpen && (await client.kvPut(key, JSON.stringify(request), { cas, signal }))) return;
  const whose = open === undefined ? 'somebody else' : `${open.by} (${open.kind}, since ${open.at})`;
  throw new SeawallError('locked', `a request of ${whose} is still open`, {
    where: id,
    hint: 'Run the command again in a minute. See: seawall cert ls',
  });
}

function progressOf(state: CertificateState | undefined): string {
  const order = state?.order;
  if (order === undefined) return 'waiting for an answer';
  return `${order.isRehearsal ? 'rehearsing at' : 'ordering from'} ${order.issuer} since ${order.startedAt}`;
}
