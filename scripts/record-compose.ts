/**
 * Records what a real Docker Compose makes of every folder below test/golden/compose: `model.json` there is what
 * `src/compose` must make of it too. Usage: node scripts/record-compose.ts PATH-OF-DOCKER-COMPOSE
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GOLDEN_ENV, GOLDEN_PROFILES } from '../test/golden/compose-env.ts';

const folder = join(import.meta.dirname, '../test/golden/compose');
const [program] = process.argv.slice(2);
if (program === undefined) throw new Error('name the program docker-compose (version 2)');

for (const name of readdirSync(folder)) {
  const cwd = join(folder, name);
  const override = existsSync(join(cwd, 'compose.override.yaml')) ? ['-f', 'compose.override.yaml'] : [];
  const env = { ...GOLDEN_ENV, COMPOSE_PROFILES: GOLDEN_PROFILES.join(',') };
  const output = execFileSync(program, ['-f', 'compose.yaml', ...override, 'config', '--format', 'json'], {
    cwd,
    env,
    encoding: 'utf8',
  });
  // Compose doubles every dollar sign, so that its output can be its input again.
  const portable = output
    .replaceAll('$$', '$')
    .replaceAll(cwd, '/PROJECT')
    .replaceAll(folder, '/PARENT')
    .replaceAll(join(folder, '..'), '/ABOVE');
  writeFileSync(join(cwd, 'model.json'), portable);
}
