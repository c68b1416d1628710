/**
 * `npm run build`: bundles the command line (`dist/main.js`) and the agent (`dist/agent.js`) for Node 22.18 and newer. They
 * are made aside and then moved into place one by one, so that a run that starts meanwhile finds a whole program.
 */
import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { bundleAgent, bundleMain } from './bundle.ts';

/** Chunks of an earlier build that a command which still runs may load later. */
const KEEP_CHUNKS_MS = 3_600_000;

const dist = join(import.meta.dirname, '../dist');
const chunks = join(dist, 'chunks');

await mkdir(chunks, { recursive: true });
const aside = await mkdtemp(join(dist, '.new-'));
try {
  await Promise.all([bundleAgent(join(aside, 'agent.js')), bundleMain(aside)]);
  const names = await readdir(join(aside, 'chunks'));
  for (const name of names) await rename(join(aside, 'chunks', name), join(chunks, name));
  await rename(join(aside, 'agent.js'), join(dist, 'agent.js'));
  // Last: it is what names the chunks.
  await rename(join(aside, 'main.js'), join(dist, 'main.js'));
  await removeOldChunks(new Set(names));
} finally {
  await rm(aside, { recursive: true, force: true });
}

async function removeOldChunks(present: ReadonlySet<string>): Promise<void> {
  for (const name of await readdir(chunks)) {
    const file = join(chunks, name);
    const info = present.has(name) ? undefined : await stat(file).catch(() => undefined);
    if (info !== undefined && Date.now() - info.mtimeMs > KEEP_CHUNKS_MS) await rm(file, { force: true });
  }
}
