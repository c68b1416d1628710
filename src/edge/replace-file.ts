import { open, rename } from 'node:fs/promises';

/** Replaces a file as a whole: written aside, synced, renamed. */
export async function replaceFile(path: string, content: string | Uint8Array, mode: number): Promise<void> {
  const file = await open(`${path}.new`, 'w', mode);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
}
