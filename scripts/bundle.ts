import { join } from 'node:path';
import { type BuildOptions, build } from 'esbuild';

const root = join(import.meta.dirname, '..');

const common = {
  bundle: true,
  platform: 'node',
  // The oldest Node that Seawall runs on.
  target: 'node22',
  format: 'esm',
  minify: false,
  logLevel: 'warning',
  // A CommonJS build that is imported dynamically would have no named exports in the bundle.
  mainFields: ['module', 'main'],
  // Dependencies written as CommonJS call `require` for Node's own modules.
  banner: {
    js: "import { createRequire as seawallCreateRequire } from 'node:module';\nconst require = seawallCreateRequire(import.meta.url);",
  },
} satisfies BuildOptions;

/** Bundles the agent's two programs to one file: all that its image needs besides Node. */
export async function bundleAgent(outfile: string): Promise<void> {
  await build({ ...common, entryPoints: [join(root, 'src/agent.ts')], outfile });
}

/** Bundles the command line to `main.js` and chunks that are loaded by need. */
export async function bundleMain(outdir: string): Promise<void> {
  const entryPoints = [join(root, 'src/main.ts')];
  await build({ ...common, entryPoints, outdir, splitting: true, chunkNames: 'chunks/[name]-[hash]' });
}
