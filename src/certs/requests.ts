import { KEY } from '../catalog/record.ts';
import type { CertificateRecord, CertificateWish, RequestAnswer } from '../catalog/tls-record.ts';
import { describeError, SeawallError } from '../errors.ts';
import type { Accounts } from './accounts.ts';
import type { Book } from './book.ts';
import { type Attempt, type ObtainOptions, obtain, rehearse } from './obtain.ts';
import type { Call, Catalog, Chance, PrivateCa } from './ports.ts';
import { isoTime } from './ports.ts';
import { asked, withoutOrder } from './state.ts';
import type { OrderTask, Task } from './task.ts';

type RequestTask = Extract<Task, { readonly kind: 'request' }>;

export interface RequestOptions {
  readonly client: Pick<Catalog, 'kvDelete'>;
  readonly book: Book;
  readonly chance: Chance;
  readonly accounts: Accounts;
  readonly ca: PrivateCa;
  readonly obtain: ObtainOptions;
  /** Has the private CA issue anew. */
  readonly issueInternal: (wish: CertificateWish, call: Call) => Promise<string>;
  readonly log: (line: string) => void;
}

/** Does what a person asked for. The answer stands in the state before the request is taken away, so none is done twice. */
export async function answerRequest(options: RequestOptions, task: RequestTask, call: Call): Promise<void> {
  const { client, book, chance, log } = options;
  const { id, request } = task;
  if (book.states.get(id)?.answer?.request !== request.request) {
    const { ok, text } = await attempt(options, task, call);
    const about = { request: request.request, kind: request.kind };
    const answer: RequestAnswer = { ...about, ok, text, at: isoTime(chance.now()) };
    await book.note(id, (state) => ({ ...state, answer }), call);
    log(`${ok ? 'info' : 'warn'} certs: ${id}: ${request.kind}, asked for by ${request.by}: ${text}`);
  }
  await client.kvDelete(KEY.certificateRequest(id), call);
}

async function attempt(options: RequestOptions, task: RequestTask, call: Call): Promise<Attempt> {
  try {
    return await fulfil(options, task, call);
  } catch (error) {
    if (call.signal?.aborted === true) throw error;
    const hint = error instanceof SeawallError && error.hint !== undefined ? `. ${error.hint}` : '';
    return { ok: false, text: `${describeError(error)}${hint}` };
  }
}

function fulfil(options: RequestOptions, task: RequestTask, call: Call): Promise<Attempt> {
  const { wish, id } = task;
  if (task.request.kind === 'revoke') return revoke(options, task, call);
  if (wish === undefined) throw notWished(id);
  if (task.request.kind === 'roll-account') return rollAccounts(options, wish, call);
  return task.request.kind === 'renew' ? renew(options, wish, call) : tryOut(options, wish, call);
}

const notWished = (id: string): SeawallError =>
  new SeawallError('input', `no project wishes a certificate for ${id}`, {
    hint: 'See which there are: seawall cert ls. For one without a route: seawall cert issue NAME',
  });

/** Every kind of key anew, at once. */
async function renew(options: RequestOptions, wish: CertificateWish, call: Call): Promise<Attempt> {
  const { book, chance } = options;
  if (wish.source === 'files') {
    return no(
      `${wish.id} is served with a given certificate. Give the next one: seawall cert import ${wish.id} …`,
    );
  }
  if (wish.source === 'internal') return { ok: true, text: await options.issueInternal(wish, call) };
  await book.note(wish.id, (state) => asked(state, chance.now()), call);
  let last: Attempt = no(`no issuer is named for ${wish.id}`);
  for (const keyType of wish.keys) {
    last = await obtain(options.obtain, orderTask(wish, keyType), call);
    if (!last.ok) return last;
  }
  return last;
}

async function rollAccounts(
  { accounts }: RequestOptions,
  wish: CertificateWish,
  call: Call,
): Promise<Attempt> {
  if (wish.issuers.length === 0) return no(`${wish.id} comes from ${wish.source}: there is no account`);
  for (const issuer of wish.issuers) await accounts.roll(issuer, call);
  const names = wish.issuers.map(({ name }) => name).join(', ');
  return { ok: true, text: `the account at ${names} has a new key` };
}

/** What was asked for is not rehearsed: the answer is to be the real one. */
const orderTask = (wish: CertificateWish, keyType: OrderTask['keyType']): OrderTask => ({
  ...{ kind: 'order', wish, keyType, issuers: wish.issuers, rehearses: false, why: 'asked' },
});

async function tryOut(options: RequestOptions, wish: CertificateWish, call: Call): Promise<Attempt> {
  const [keyType = 'ecdsa'] = wish.keys;
  if (wish.source !== 'acme') return no(`${wish.id} comes from ${wish.source}: there is nothing to rehearse`);
  if (wish.issuers.every(({ staging }) => staging === undefined))
    return no(`no issuer of ${wish.id} has a staging directory: nothing was tried`);
  const before = withoutOrder(options.book.state(wish.id));
  const { attempt: tried, silence } = await rehearse(options.obtain, orderTask(wish, keyType), call);
  // A rehearsal that somebody asked for leaves no trace but its answer and what was noticed.
  if (tried?.ok === false)
    await options.book.note(wish.id, ({ warnings }) => ({ ...before, warnings }), call);
  return tried ?? no(`no staging directory can tell at the moment: ${describeError(silence?.error ?? '')}`);
}

const no = (text: string): Attempt => ({ ok: false, text });

/**
 * Revokes what is served, by the account's key. While it is wished a new one is asked for at once, and the revoked one serves on until
 * then: most clients take it, and none would take the private CA's. One that nobody wishes is taken out of service.
 */
async function revoke(
  options: RequestOptions,
  { id, wish, request }: RequestTask,
  call: Call,
): Promise<Attempt> {
  const { book, chance, log } = options;
  const live = book.live.get(id);
  if (live === undefined) return no(`no certificate is served for ${id}`);
  if (live.source === 'files') return no(`${id} was given as files: its own CA has to revoke it`);
  await revokeAll(options, { live, wish, reason: request.reason ?? 0 }, call);
  log(`info certs: ${id}: revoked`);
  if (wish === undefined) {
    await book.withdraw(id, call);
    return { ok: true, text: 'revoked and taken out of service' };
  }
  await book.note(id, (state) => asked(state, chance.now()), call);
  const next = await renew(options, wish, call);
  if (next.ok) return { ok: true, text: `revoked; ${next.text}` };
  return no(`revoked, but it is served until there is another one: ${next.text}`);
}

async function revokeAll(
  { accounts, ca }: RequestOptions,
  about: {
    readonly live: CertificateRecord;
    readonly wish: CertificateWish | undefined;
    readonly reason: number;
  },
  call: Call,
): Promise<void> {
  const { live, wish, reason } = about;
  if (live.source === 'internal') {
    for (const { serial } of live.keys) await ca.revoke(serial, reason, call);
    return;
  }
  const issuer = wish?.issuers.find(({ name }) => name === live.issuer);
  if (issuer === undefined) {
    throw new SeawallError(
      'refused',
      `${live.issuer} is no issuer of ${live.id} any more: it is not known where to revoke`,
      {
        hint: 'Name it under `tls: issuers:` again, deploy, and revoke then.',
      },
    );
  }
  const { acme } = await accounts.at(issuer, issuer.directory);
  for (const { chain } of live.keys) await acme.revoke(chain, reason, call);
}
