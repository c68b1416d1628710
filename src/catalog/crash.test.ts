import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { testCertificate } from '../../test/test-catalog.ts';
import { CatalogClient } from './client.ts';

/** The server as a program of its own; options as JSON in a file, the port on its first line of output. */
const PROGRAM = `
import { readFileSync } from 'node:fs';
import { startCatalogServer } from ${JSON.stringify(new URL('./server.ts', import.meta.url).href)};
const server = await startCatalogServer(JSON.parse(readFileSync(process.argv[1], 'utf8')));
console.log(server.addresses()[0].port);
`;

async function startProcess(optionsFile: string): Promise<{ child: ChildProcess; port: number }> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', PROGRAM, optionsFile], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const line of createInterface({ input: child.stdout })) return { child, port: Number(line) };
  throw new Error('the server ended before it listened');
}

test('every write that was confirmed survives kill -9 in the middle of a storm of writes', async (t) => {
  const scratch = await mkdtemp(join(tmpdir(), 'seawall-crash-'));
  t.after(() => rm(scratch, { recursive: true, force: true }));
  const { certificate, privateKey, token } = await testCertificate();
  const optionsFile = join(scratch, 'options.json');
  await writeFile(
    optionsFile,
    JSON.stringify({
      dir: join(scratch, 'data'),
      certificate,
      privateKey,
      token,
      listen: [{ host: '127.0.0.1', port: 0 }],
    }),
  );
  const confirmed = new Set<string>();
  for (let round = 0; round < 4; round += 1) {
    const { child, port } = await startProcess(optionsFile);
    t.after(() => child.kill('SIGKILL'));
    const client = new CatalogClient({ target: { host: '127.0.0.1', port }, certificate, token });
    const kept = new Set((await client.kvList('crash/')).value.map((entry) => entry.key));
    const lost = [...confirmed].filter((key) => !kept.has(key));
    assert.deepEqual(lost, [], `confirmed before round ${round}`);
    if (round === 3) return client.close();
    const writers = Array.from({ length: 8 }, async (_, writer) => {
      for (let count = 0; ; count += 1) {
        const key = `crash/${round}/${writer}/${count}`;
        await client.kvPut(key, 'x');
        confirmed.add(key);
        if (writer === 0 && count === 40) child.kill('SIGKILL');
      }
    });
    const outcomes = await Promise.allSettled(writers);
    assert.ok(outcomes.every((outcome) => outcome.status === 'rejected'));
    client.close();
  }
});
