import type { CertificateWish, DnsHook } from '../catalog/tls-record.ts';
import { SEAL } from '../catalog/tls-record.ts';
import { describeError, SeawallError } from '../errors.ts';
import { unseal } from '../secrets/index.ts';
import { Accounts } from './accounts.ts';
import { dnsValue, keyAuthorization, makeCsr, makeKey } from './acme/index.ts';
import { askRenewal } from './ask-renewal.ts';
import type { Book } from './book.ts';
import { authoritativeView } from './dns/authoritative.ts';
import { execProvider } from './dns/exec.ts';
import type { DnsProvider } from './dns/provider.ts';
import { rfc2136Provider } from './dns/rfc2136.ts';
import { webhookProvider } from './dns/webhook.ts';
import { dnsSolver } from './dns-solver.ts';
import { serveFiles } from './given-files.ts';
import { httpSolver } from './http-solver.ts';
import { type ObtainOptions, obtain } from './obtain.ts';
import { type Call, isoTime } from './ports.ts';
import { issueInternal, privateCa } from './private-ca.ts';
import { answerRequest } from './requests.ts';
import type { Solver } from './solver.ts';
import { asked, withoutOrder } from './state.ts';
import type { OrderTask, Task } from './task.ts';
import type { CertificatesOptions } from './watch.ts';

/** What a leader does its tasks with. */
export interface Hands {
  readonly book: Book;
  /**
   * Does one task. @returns milliseconds that the same is not to be done again before; 0: no rest.
   */
  readonly perform: (task: Task, call: Call) => Promise<number>;
  /** Renews the private CA's revocation list when it is due, and what a CA before it issued. */
  readonly refresh: (call: Call) => Promise<void>;
}

/** @param signal of the leader. */
export function makeHands(options: CertificatesOptions, book: Book, signal: AbortSignal): Hands {
  const { cluster, client, chance, connect, log, onStep = () => undefined, limits } = options;
  const clusterKey = cluster.key;
  const makeAccountKey = () => makeKey('ecdsa');
  const accounts = new Accounts({ client, clusterKey, connect, makeAccountKey, signal });
  const ca = privateCa({ client, clusterKey, chance, by: cluster.host.name });
  const common = { client, book, clusterKey, chance, accounts, ca, log };
  const obtaining: ObtainOptions = {
    ...common,
    tools: { makeKey, makeCsr, keyAuthorization },
    solverFor: (task) => solverFor(options, task),
    onStep,
    patienceMs: limits.patienceMs,
  };
  const perform = async (task: Task, call: Call): Promise<number> => {
    switch (task.kind) {
      case 'order':
        await obtain(obtaining, task, call);
        return 0;
      case 'interim':
      case 'internal':
        await noted(common, task, call, () =>
          issueInternal(common, { wish: task.wish, isInterim: task.kind === 'interim' }, call),
        );
        return 0;
      case 'files':
        await serveFiles(common, task.wish, call);
        return 0;
      case 'ask':
        return askRenewal(common, task, call);
      case 'request': {
        const internal = (wish: CertificateWish) => issueInternal(common, { wish, isInterim: false }, call);
        await answerRequest({ ...common, obtain: obtaining, issueInternal: internal }, task, call);
        return 0;
      }
      case 'abandon':
        await book.note(task.wish.id, withoutOrder, call);
        return 0;
      case 'unwished':
        await book.note(task.id, (state) => ({ ...state, unwishedSince: isoTime(chance.now()) }), call);
        return 0;
      case 'wished':
        await book.note(task.id, ({ unwishedSince: _since, ...state }) => state, call);
        return 0;
      case 'forget':
        await book.forget(task.id, call);
        log(`info certs: ${task.id}: removed, nobody has wished it for a week`);
        return 0;
    }
  };
  let known = '';
  const refresh = async (call: Call): Promise<void> => {
    const authority = await ca.refresh(call);
    if (authority === undefined || authority.id === known) return;
    for (const { id, source, isInterim, keys } of book.live.values()) {
      const isForeign =
        source === 'internal' && !isInterim && !keys.every(({ chain }) => authority.issued(chain));
      if (isForeign) await book.note(id, (state) => asked(state, chance.now()), call);
    }
    known = authority.id;
  };
  return { book, perform, refresh };
}

/** Has a failure of the private CA stand in the state before it is thrown on. */
async function noted(
  { book, chance }: Pick<ObtainOptions, 'book' | 'chance'>,
  { kind, wish: { id } }: Extract<Task, { readonly kind: 'interim' | 'internal' }>,
  call: Call,
  work: () => Promise<unknown>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (call.signal?.aborted === true) throw error;
    const hint = error instanceof SeawallError && error.hint !== undefined ? { hint: error.hint } : {};
    const lastError = { at: isoTime(chance.now()), issuer: 'internal', text: describeError(error), ...hint };
    // The back-off of an order is not lengthened by what failed beside it.
    const more = kind === 'interim' ? 0 : 1;
    await book.note(id, (state) => ({ ...state, failures: state.failures + more, lastError }), call);
    throw error;
  }
}

function solverFor(options: CertificatesOptions, { wish }: OrderTask): Solver {
  const { client, look, limits, cluster, chance, dns } = options;
  if (wish.challenge === 'http') return httpSolver({ client, look, edgesMs: limits.edgesMs });
  if (wish.dns === undefined) {
    throw new SeawallError('refused', `${wish.id} is to be proven by DNS, and it is not said how`, {
      hint: 'Set `dns:` under `tls:` in seawall.yml and deploy.',
    });
  }
  const hook = JSON.parse(unseal(cluster.key, wish.dns, SEAL.dns(wish.id)).toString()) as DnsHook;
  const zone = authoritativeView({ ...dns, boundMs: limits.propagationMs });
  return dnsSolver({ provider: providerOf(hook, chance.now), zone, dnsValue });
}

function providerOf(hook: DnsHook, wallClock: () => number): DnsProvider {
  switch (hook.kind) {
    case 'exec':
      return execProvider(hook);
    case 'webhook':
      return webhookProvider(hook);
    case 'rfc2136':
      return rfc2136Provider(hook, wallClock);
  }
}
