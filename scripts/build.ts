/** `npm run build`: bundles the command line (`dist/main.js`) and the agent (`dist/agent.js`) for Node 22.18 and newer. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { bundleAgent, bundleMain } from './bundle.ts';

const dist = join(import.meta.dirname, '../dist');

await rm(dist, { recursive: true, force: true });
await bundleAgent(join(dist, 'agent.js'));
await bundleMain(dist);
