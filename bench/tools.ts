import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { runCommand, tryCommand } from '../lab/command.ts';
import { ensureImages } from '../lab/images.ts';

const folder = join(import.meta.dirname, 'tools');
const recipe = createHash('sha256')
  .update(readFileSync(join(folder, 'Dockerfile')))
  .digest('hex')
  .slice(0, 12);

/** The image of the programs that Seawall is compared with and that make the load. */
export const toolsImage = `seawall-bench/tools:${recipe}`;

/** Builds the image unless this machine's engine has it. */
export async function ensureTools(): Promise<void> {
  if ((await tryCommand('docker', ['image', 'inspect', toolsImage])).code === 0) return;
  await ensureImages({ images: ['debian:forky-slim'] });
  const args = ['build', '--network', 'host', '--tag', toolsImage, folder];
  await runCommand('docker', args, { env: { DOCKER_BUILDKIT: '0' } });
}

/** The first line that a program of the image prints of its version. */
export async function toolVersion(argv: readonly string[]): Promise<string> {
  const { stdout, stderr } = await tryCommand('docker', ['run', '--rm', toolsImage, ...argv]);
  return /\d+(\.\d+)+/.exec(stdout + stderr)?.[0] ?? 'unknown';
}

/** Path of a real Compose, Debian testing's, out of the tools' image. */
export async function composeProgram(): Promise<string> {
  const folder = join(homedir(), '.cache/seawall');
  const program = join(folder, `docker-compose-${recipe}`);
  if (existsSync(program)) return program;
  await mkdir(folder, { recursive: true });
  const id = await runCommand('docker', ['create', toolsImage]);
  await runCommand('docker', [
    'cp',
    '--follow-link',
    `${id}:/usr/libexec/docker/cli-plugins/docker-compose`,
    program,
  ]);
  await runCommand('docker', ['rm', id]);
  return program;
}
