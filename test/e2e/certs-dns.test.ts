import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, type TestContext, test } from 'node:test';
import { type DnsHook, type IssuerRecord, SEAL } from '../../src/catalog/tls-record.ts';
import { seal } from '../../src/secrets/index.ts';
import { CLUSTER_KEY, makeStage, type Stage, until } from '../certs-stage.ts';
import { AcmeServer } from './acme-server.ts';
import { freePorts } from './free-ports.ts';
import { startNameServer } from './name-server.ts';

let pebble: AcmeServer;

before(async () => {
  pebble = await AcmeServer.start({ name: 'loop-test-dns', retryAfterS: 0 });
});

after(() => pebble?.remove());

const issuerOf = ({ directory, trust }: AcmeServer): IssuerRecord => ({ name: 'pebble', directory, trust });

async function stageOf(t: TestContext, server: AcmeServer): Promise<Stage> {
  const [port = 0] = await freePorts(1);
  return makeStage(t, { port, issuers: [issuerOf(server)] });
}

/** A wildcard and its base name: two values under one record name at the same time. */
async function issueWildcard(
  stage: Stage,
  { zone, hook, nameServer }: { readonly zone: string; readonly hook: DnsHook; readonly nameServer: string },
): Promise<{ readonly lines: readonly string[] }> {
  const id = `_wildcard.${zone}`;
  const dns = seal(CLUSTER_KEY, JSON.stringify(hook), SEAL.dns(id));
  await stage.wish({ names: [`*.${zone}`, zone], challenge: 'dns', dns });
  const loop = stage.lead({ dns: { resolvers: [nameServer], nameServers: [nameServer] } });
  const record = await until(`${id} has its certificate`, async () => {
    const now = await stage.live(id);
    return now !== undefined && !now.isInterim ? now : undefined;
  });
  assert.deepEqual(record.names, [`*.${zone}`, zone]);
  const state = await until('the order is done', async () => {
    const now = await stage.state(id);
    return now?.order === undefined ? now : undefined;
  });
  assert.deepEqual(state.warnings, []);
  await loop.stop();
  return loop;
}

interface HookCall {
  readonly action: 'present' | 'cleanup';
  readonly fqdn: string;
  readonly value: string;
  readonly authorization: string | undefined;
}

/** A webhook that does what it is asked for in Pebble's DNS, and remembers it. */
async function startHook(
  t: TestContext,
): Promise<{ readonly url: string; readonly calls: readonly HookCall[] }> {
  const calls: HookCall[] = [];
  const hook = createServer((call, response) => {
    let text = '';
    call.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    call.on('end', () => {
      const asked = JSON.parse(text) as Omit<HookCall, 'authorization'>;
      calls.push({ ...asked, authorization: call.headers.authorization });
      const { action, fqdn, value } = asked;
      const done = action === 'present' ? pebble.addTxt(fqdn, value) : pebble.clearTxt(fqdn);
      void done.then(() => response.writeHead(204).end());
    });
  });
  await new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    hook.closeAllConnections();
    hook.close();
  });
  const address = hook.address();
  return { url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/dns`, calls };
}

/** Values that were put and not taken away. */
function left(calls: readonly HookCall[]): string[] {
  const values = new Set<string>();
  for (const { action, value } of calls) {
    if (action === 'present') values.add(value);
    else values.delete(value);
  }
  return [...values];
}

test('a wildcard and its base name by a script', async (t) => {
  const stage = await stageOf(t, pebble);
  const { host, ports } = pebble;
  const script = `set -eu
test "$(pwd)" = /tmp
exec node -e '
  const [action, fqdn, value] = process.argv.slice(1);
  const path = action === "present" ? "set-txt" : "clear-txt";
  fetch(process.env.DNS_API + path, { method: "POST", body: JSON.stringify({ host: fqdn + ".", value }) })
    .then((answer) => process.exit(answer.ok ? 0 : 1));
' "$@"
`;
  const env = { DNS_API: `http://${host}:${ports.challenges}/` };
  await issueWildcard(stage, {
    zone: 'exec.test',
    hook: { kind: 'exec', script, env },
    nameServer: pebble.dns,
  });
});

test('a wildcard and its base name by a webhook, which is told its token and asked to clean up both values', async (t) => {
  const stage = await stageOf(t, pebble);
  const { url, calls } = await startHook(t);
  const { lines } = await issueWildcard(stage, {
    zone: 'hook.test',
    hook: { kind: 'webhook', url, token: 'hook-token-1' },
    nameServer: pebble.dns,
  });
  const of = (action: string) =>
    calls
      .filter((call) => call.action === action)
      .map(({ value }) => value)
      .toSorted();
  assert.equal(of('present').length, 2);
  assert.deepEqual(of('cleanup'), of('present'));
  assert.deepEqual(new Set(calls.map(({ fqdn }) => fqdn)), new Set(['_acme-challenge.hook.test']));
  assert.ok(calls.every(({ authorization }) => authorization === 'Bearer hook-token-1'));
  assert.doesNotMatch(lines.join('\n'), /hook-token-1/);
});

test('a wildcard and its base name by dynamic updates of a real BIND, whose answers are signed', async (t) => {
  const server = await startNameServer(t, 'loop-test-bind', 'bind.test');
  const nameServer = `127.0.0.1:${server.port}`;
  const asking = await AcmeServer.start({ name: 'loop-test-dns-bind', retryAfterS: 0, nameServer });
  t.after(() => asking.remove());
  const stage = await stageOf(t, asking);
  const hook: DnsHook = {
    ...{ kind: 'rfc2136', server: '127.0.0.1', port: server.port, algorithm: 'hmac-sha256' },
    ...{ keyName: server.key.name, key: server.key.secret },
  };
  await issueWildcard(stage, { zone: 'bind.test', hook, nameServer });
  assert.deepEqual(await server.texts('_acme-challenge.bind.test'), [], 'both values are gone');

  const id = '_wildcard.wrong.bind.test';
  const wrong = { ...hook, key: Buffer.alloc(32).toString('base64') };
  const dns = seal(CLUSTER_KEY, JSON.stringify(wrong), SEAL.dns(id));
  await stage.wish({ names: ['*.wrong.bind.test'], challenge: 'dns', dns });
  stage.lead();
  const state = await until('the failure is noted', async () => {
    const now = await stage.state(id);
    return now?.lastError === undefined ? undefined : now;
  });
  assert.match(
    state.lastError?.text ?? '',
    /127\.0\.0\.1 refused the update: the signature is wrong \(BADSIG\)/,
  );
  assert.match(state.lastError?.hint ?? '', /seawall-key/);
});

const DNS_STEPS = [
  'answers put',
  'answers in force',
  'authorized',
  'downloaded',
  'served',
  'cleaned up',
] as const;

for (const step of DNS_STEPS) {
  test(`the leader dies in a DNS order after "${step}": the next one leaves no TXT record behind`, async (t) => {
    const stage = await stageOf(t, pebble);
    const { url, calls } = await startHook(t);
    const zone = `dies-${DNS_STEPS.indexOf(step)}.test`;
    const id = `_wildcard.${zone}`;
    const dns = seal(CLUSTER_KEY, JSON.stringify({ kind: 'webhook', url }), SEAL.dns(id));
    await stage.wish({ names: [`*.${zone}`, zone], challenge: 'dns', dns });
    const reached = Promise.withResolvers<void>();
    const view = { resolvers: [pebble.dns], nameServers: [pebble.dns] };
    const first = stage.lead({
      dns: view,
      onStep: (at) => {
        if (at !== step) return;
        reached.resolve();
        return new Promise(() => undefined);
      },
    });
    await reached.promise;
    await first.kill();
    stage.lead({ dns: view });
    await until(`${id} has its certificate and its order is done`, async () => {
      const record = await stage.live(id);
      const state = await stage.state(id);
      return record?.isInterim === false && state?.order === undefined && state?.renewAt !== undefined;
    });
    assert.deepEqual(left(calls), []);
    assert.equal((await stage.client.kvList('seawall/certs/live/')).value.length, 1);
  });
}
