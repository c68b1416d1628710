/** `npm run build`: bundles the command line (`dist/main.js`) and the agent (`dist/agent.js`) for Node 22.18 and newer. */
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type BuildOptions, build } from 'esbuild';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');

const common = {
  bundle: true,
  platform: 'node',
  target: 'node22',
  format: 'esm',
  minify: false,
  logLevel: 'warning',
  // Dependencies written as CommonJS call `require` for Node's own modules.
  banner: {
    js: "import { createRequire as seawallCreateRequire } from 'node:module';\nconst require = seawallCreateRequire(import.meta.url);",
  },
} satisfies BuildOptions;

await rm(dist, { recursive: true, force: true });
const main = join(root, 'src', 'main.ts');
const agent = join(root, 'src', 'agent.ts');
await Promise.all([
  ...(existsSync(main)
    ? [
        build({
          ...common,
          entryPoints: [main],
          outdir: dist,
          splitting: true,
          chunkNames: 'chunks/[name]-[hash]',
        }),
      ]
    : []),
  build({ ...common, entryPoints: [agent], outfile: join(dist, 'agent.js') }),
]);
