import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import { type TestContext, test } from 'node:test';
import { SeawallError } from '../../errors.ts';
import { webhookProvider } from './webhook.ts';

const fqdn = '_acme-challenge.example.test';

async function listen(t: TestContext, answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/`;
}

const refused = (pattern: RegExp) => (error: unknown) => {
  assert.ok(error instanceof SeawallError);
  assert.match(error.message, pattern);
  assert.doesNotMatch(JSON.stringify(error, Object.getOwnPropertyNames(error)), /tok-1/);
  return true;
};

test('a webhook that refuses, or does not answer in time, is told by its host, never with the token', async (t) => {
  const url = await listen(t, (_call, response) => response.writeHead(403).end('tok-1'));
  const hook = { kind: 'webhook', url, token: 'tok-1' } as const;
  await assert.rejects(webhookProvider(hook).present(fqdn, 'v', {}), refused(/answered 403/));
  const silent = { ...hook, url: await listen(t, () => undefined) };
  await assert.rejects(
    webhookProvider(silent, 100).cleanup(fqdn, 'v', {}),
    refused(/did not answer within 0\.1 s/),
  );
});

test('a redirect is not followed: the token would go to somebody else', async (t) => {
  let reached = false;
  const other = await listen(t, (_call, response) => {
    reached = true;
    response.writeHead(204).end();
  });
  const url = await listen(t, (_call, response) => response.writeHead(307, { location: other }).end());
  await assert.rejects(webhookProvider({ kind: 'webhook', url, token: 'tok-1' }).present(fqdn, 'v', {}));
  assert.equal(reached, false);
});
