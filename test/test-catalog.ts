import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import {
  type CatalogCertificate,
  CatalogClient,
  type CatalogConnection,
  type CatalogServer,
  makeCatalogCertificate,
  startCatalogServer,
} from '../src/catalog/index.ts';

/** A real embedded catalog on a free port of loopback, for one test. */
export interface TestCatalog {
  readonly client: CatalogClient;
  readonly connection: CatalogConnection;
  readonly dir: string;
  /** Ends the server and starts it again on the same port and directory. */
  readonly restart: () => Promise<void>;
  readonly stop: () => Promise<void>;
  readonly start: () => Promise<void>;
}

let made: Promise<CatalogCertificate> | undefined;

/** One for the whole test process: making it takes a tenth of a second. */
export const testCertificate = (): Promise<CatalogCertificate> => {
  made ??= makeCatalogCertificate();
  return made;
};

/** Starts a catalog and removes it, with its directory, when the test ends. */
export async function startTestCatalog(t: TestContext): Promise<TestCatalog> {
  const { certificate, privateKey, token } = await testCertificate();
  const dir = await mkdtemp(join(tmpdir(), 'seawall-catalog-'));
  let port = 0;
  let server: CatalogServer | undefined;
  const start = async (): Promise<void> => {
    server = await startCatalogServer({
      dir,
      certificate,
      privateKey,
      token,
      listen: [{ host: '127.0.0.1', port }],
    });
    port = server.addresses()[0]?.port ?? 0;
  };
  const stop = async (): Promise<void> => {
    await server?.close();
    server = undefined;
  };
  await start();
  const connection: CatalogConnection = { target: { host: '127.0.0.1', port }, certificate, token };
  const client = new CatalogClient(connection);
  t.after(async () => {
    client.close();
    await stop();
    await rm(dir, { recursive: true, force: true });
  });
  const restart = async (): Promise<void> => {
    await stop();
    await start();
  };
  return { client, connection, dir, restart, stop, start };
}

/** Waits until `probe` gives something else than undefined or false; fails after 20 seconds, naming what it waited for. */
export async function eventually<T>(
  what: string,
  probe: () => T | Promise<T>,
): Promise<Exclude<T, undefined | false>> {
  const deadline = performance.now() + 20_000;
  for (;;) {
    const value = await probe();
    if (value !== undefined && value !== false) return value as Exclude<T, undefined | false>;
    if (performance.now() > deadline) throw new Error(`did not come to pass: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
