/** `npm run docs`: writes the pages and schemas that come from the code. `--check` only says which of them are out of date. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { renderCliReference } from '../src/cli/reference.ts';
import { renderComposeReference } from '../src/compose/index.ts';
import { configJsonSchema, renderConfigReference } from '../src/config/index.ts';
import { renderMetricsReference } from '../src/metrics/index.ts';

const root = join(import.meta.dirname, '..');

const generated: Readonly<Record<string, string>> = {
  'docs/reference/cli.md': await renderCliReference(),
  'docs/reference/compose-keys.md': renderComposeReference(),
  'docs/reference/metrics.md': renderMetricsReference(),
  'docs/reference/seawall-yml.md': renderConfigReference(),
  'schema/seawall.schema.json': `${JSON.stringify(configJsonSchema(), null, 2)}\n`,
};

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

const stale = Object.keys(generated).filter((name) => readText(join(root, name)) !== generated[name]);
if (process.argv.includes('--check')) {
  for (const name of stale) console.error(`${name} is out of date: run npm run docs`);
  process.exitCode = stale.length === 0 ? 0 : 1;
} else {
  for (const name of stale) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), generated[name] ?? '');
    console.log(`wrote ${name}`);
  }
}
