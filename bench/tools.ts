import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
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
