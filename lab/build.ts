import { cp, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from './command.ts';
import type { Recipe } from './recipes.ts';

/** The folders of the recipes. */
export const imagesFolder = join(import.meta.dirname, 'images');

/** Builds an image from its folder, with the label; `context` is an empty folder that it may fill. */
export async function buildImage(recipe: Recipe, label: string, context: string): Promise<void> {
  await cp(join(imagesFolder, recipe.folder ?? ''), context, { recursive: true });
  for (const [folder, specification] of Object.entries(recipe.npm ?? {})) {
    await unpackNpm(specification, join(context, 'npm', folder));
  }
  // Only with the machine's own network does a build reach the package registries everywhere.
  const args = ['build', '--network', 'host', '--label', label, '--tag', recipe.image];
  const base = recipe.base ? ['--build-arg', `BASE=${recipe.base}`] : [];
  await runCommand('docker', [...args, ...base, context], { env: { DOCKER_BUILDKIT: '0' } });
}

async function unpackNpm(specification: string, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const packed = await runCommand('npm', ['pack', '--silent', specification], { cwd: folder });
  const archive = join(folder, packed.split('\n').at(-1) ?? '');
  await runCommand('tar', ['-xzf', archive, '-C', folder, '--strip-components', '1', '--no-same-owner']);
  await rm(archive);
}
