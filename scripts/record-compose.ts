/**
 * Records what a real Docker Compose makes of every golden Compose project (`test/golden/compose-cases.ts`): the model that
 * `src/compose` must make of it too, or its refusal. Usage: node scripts/record-compose.ts PATH-OF-DOCKER-COMPOSE [NAME …]
 *
 * The program is that of Debian testing's package docker-compose (2.40.3): `apt-get download docker-compose` on such a
 * system, `dpkg-deb -x`, then usr/libexec/docker/cli-plugins/docker-compose. It needs no engine for this.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import {
  type ComposeCase,
  ownCases,
  portable,
  publicCases,
  rejectedCases,
} from '../test/golden/compose-cases.ts';

const [program, ...names] = process.argv.slice(2);
if (program === undefined) throw new Error('name the program docker-compose (version 2)');
const chosen = (cases: readonly ComposeCase[]) =>
  cases.filter(({ name }) => names.length === 0 || names.includes(name));

for (const project of chosen([...ownCases(), ...publicCases()])) {
  const { status, stdout, stderr } = resolve(project);
  if (status !== 0) throw new Error(`${project.name}: ${stderr}`);
  mkdirSync(dirname(project.record), { recursive: true });
  // Compose doubles every dollar sign, so that its output can be its input again.
  writeFileSync(project.record, portable(stdout.replaceAll('$$', '$'), project));
}
for (const project of chosen(rejectedCases())) {
  const { status, stderr } = resolve(project);
  if (status === 0) throw new Error(`${project.name} is not refused`);
  const refusal = stderr.split('\n').filter((line) => line !== '' && !line.startsWith('time='));
  writeFileSync(project.record, `${portable(refusal.join('\n'), project)}\n`);
}

function resolve({ paths, env, envFiles, profiles }: ComposeCase) {
  const files = paths.flatMap((path) => ['-f', path]);
  const variables = (envFiles ?? []).flatMap((path) => ['--env-file', path]);
  return spawnSync(program ?? '', [...files, ...variables, 'config', '--format', 'json'], {
    cwd: dirname(paths[0] ?? ''),
    env: { ...env, ...(profiles.length === 0 ? {} : { COMPOSE_PROFILES: profiles.join(',') }) },
    encoding: 'utf8',
    timeout: 30_000,
  });
}
