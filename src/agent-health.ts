import { rename, writeFile } from 'node:fs/promises';
import { HEALTH_FILE } from './agent-container.ts';

/** Says, in the container's own memory, what is wrong with a program at the moment: a line each, none when it is well. */
export async function writeHealth(problems: readonly string[], path = HEALTH_FILE): Promise<void> {
  await writeFile(`${path}.new`, problems.map((text) => `${text.replaceAll(/\s+/g, ' ')}\n`).join(''));
  await rename(`${path}.new`, path);
}
