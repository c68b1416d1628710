import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Folder of the installed package or the checkout: bundled code lies deeper in it than sources do. */
export function packageRoot(): string {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, 'agent', 'Dockerfile')) && dirname(folder) !== folder)
    folder = dirname(folder);
  return folder;
}
