import { parseEntry, watchKeys } from '../catalog/index.ts';
import { type HostRecord, KEY } from '../catalog/record.ts';
import type { TlsAcknowledgement } from '../catalog/tls-record.ts';
import { SeawallError } from '../errors.ts';
import type { Call, Catalog } from './ports.ts';
import { type LookAtNames, nameWarnings } from './preflight.ts';
import type { Proof, Solver } from './solver.ts';

export interface HttpSolverOptions {
  readonly client: Pick<Catalog, 'kvList' | 'kvPut' | 'kvDelete'>;
  readonly look: LookAtNames;
  /** Milliseconds that edges have to take an answer up. */
  readonly edgesMs: number;
}

/**
 * HTTP-01 (RFC 8555 section 8.3): the answer stands in the catalog, every edge serves it on port 80. The CA is asked only
 * once the edges say that they do, because it may reach any of them.
 */
export function httpSolver(options: HttpSolverOptions): Solver {
  const { client, look } = options;
  return {
    type: 'http-01',
    present: async (proofs, call) => {
      for (const { token, keyAuthorization } of proofs)
        await client.kvPut(KEY.challengeAnswer(token), keyAuthorization, call);
    },
    settle: async (proofs, call) => {
      const { hosts, silent } = await edgesAnswering(options, proofs, call);
      const seen = await nameWarnings({ look, proofs, hosts }, call);
      const late = silent.map((host) => `edge ${host} did not take up the challenge's answer in time`);
      return [...late, ...seen];
    },
    remove: async (proofs, call) => {
      for (const { token } of proofs) await client.kvDelete(KEY.challengeAnswer(token), call);
      return [];
    },
  };
}

/** Takes away what an earlier leader left: nobody else puts answers. */
export async function sweepAnswers(client: Pick<Catalog, 'kvDelete'>, call: Call): Promise<void> {
  await client.kvDelete(KEY.challengeAnswers, { recurse: true, ...call });
}

interface Answering {
  readonly hosts: readonly HostRecord[];
  /** Edges that did not say in time that they answer. */
  readonly silent: readonly string[];
}

/**
 * Waits until every living edge serves the answers. Edges without a sign of life are not waited for.
 * @throws SeawallError `timeout` when none does: to ask the CA then would only count as a failure there.
 */
async function edgesAnswering(
  { client, edgesMs }: HttpSolverOptions,
  proofs: readonly Proof[],
  call: Call,
): Promise<Answering> {
  const hosts = (await client.kvList(KEY.hosts, call)).value.map((entry) => parseEntry<HostRecord>(entry));
  const alive = new Set((await client.kvList(KEY.alives, call)).value.map(({ key }) => key));
  const edges = hosts.filter(({ roles }) => roles.includes('edge'));
  const waited = edges.filter(({ name }) => alive.has(KEY.alive(name))).map(({ name }) => name);
  const tokens = proofs.map(({ token }) => token);
  const silent = await untilAnswered({ client, edgesMs }, { waited, tokens }, call);
  call.signal?.throwIfAborted();
  if (silent.length === waited.length) {
    throw new SeawallError('timeout', `no edge took up the challenge's answer within ${edgesMs / 1000} s`, {
      hint: 'Look at the edges: docker logs seawall-agent on hosts with the role `edge`.',
    });
  }
  const dead = edges.filter(({ name }) => !waited.includes(name)).map(({ name }) => name);
  return { hosts, silent: [...silent, ...dead] };
}

/** @returns hosts that do not answer all tokens when the time is over; none: all do. */
async function untilAnswered(
  { client, edgesMs }: Pick<HttpSolverOptions, 'client' | 'edgesMs'>,
  { waited, tokens }: { readonly waited: readonly string[]; readonly tokens: readonly string[] },
  call: Call,
): Promise<readonly string[]> {
  let silent = waited;
  const done = new AbortController();
  const ends = [
    done.signal,
    AbortSignal.timeout(edgesMs),
    ...(call.signal === undefined ? [] : [call.signal]),
  ];
  await watchKeys(
    client,
    KEY.tlsAcks,
    (entries) => {
      const said = new Map(
        entries.map((entry) => [entry.key, parseEntry<TlsAcknowledgement>(entry).answers]),
      );
      const answers = (host: string) => tokens.every((token) => said.get(KEY.tlsAck(host))?.includes(token));
      silent = waited.filter((host) => !answers(host));
      if (silent.length === 0) done.abort();
    },
    { signal: AbortSignal.any(ends) },
  );
  return silent;
}
