import assert from 'node:assert/strict';
import { after, type TestContext } from 'node:test';
import { AcmeClient, type AcmeClientOptions, AcmeError, makeKey } from '../src/certs/acme/index.ts';
import { type FaultServer, type FaultServerOptions, startFaultServer } from './acme-fault-server.ts';

/** Clients of fault servers, all with one account key. */
export class TestClients {
  readonly accountKey: string;
  readonly #made: AcmeClient[] = [];

  private constructor(accountKey: string) {
    this.accountKey = accountKey;
  }

  static async make(): Promise<TestClients> {
    return new TestClients(await makeKey('ecdsa'));
  }

  /** One whose account is there already. */
  of({ origin, directory }: FaultServer, more: Partial<AcmeClientOptions> = {}): AcmeClient {
    const { accountKey } = this;
    const kid = `${origin}/account/1`;
    const client = new AcmeClient({ directory, accountKey, kid, userAgent: 'seawall/test', ...more });
    this.#made.push(client);
    return client;
  }

  close(): void {
    for (const client of this.#made) client.close();
  }
}

/** A server and clients for all tests of a file. */
export async function acmeStage(): Promise<{ readonly server: FaultServer; readonly clients: TestClients }> {
  const server = await startFaultServer();
  const clients = await TestClients.make();
  after(async () => {
    clients.close();
    await server.close();
  });
  return { server, clients };
}

/** A server for one test. */
export async function ownServer(t: TestContext, options: FaultServerOptions = {}): Promise<FaultServer> {
  const server = await startFaultServer(options);
  t.after(() => server.close());
  return server;
}

/** An order for a.example, as a server writes it. */
export const pendingOrder = (origin: string) => ({
  status: 'pending',
  identifiers: [{ type: 'dns', value: 'a.example' }],
  authorizations: [`${origin}/authz/1`],
  finalize: `${origin}/finalize/1`,
});

/** What a call failed of. */
export async function acmeFailure(work: Promise<unknown>): Promise<AcmeError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof AcmeError, `${error} is no AcmeError`);
  return error;
}
