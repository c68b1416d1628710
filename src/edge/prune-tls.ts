import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { folderNames } from '../folder-names.ts';
import { generationTexts } from './generations.ts';

/**
 * Removes certificates, keys and CAs that no configuration on the disk names.
 * @param alsoKept `certs/ID/FINGERPRINT` and `trust/FILE` that the current one names, or the next one may.
 * @returns whether some stay for earlier configurations only.
 */
export async function pruneTlsFiles(edgePath: string, alsoKept: ReadonlySet<string>): Promise<boolean> {
  const named = new Set(alsoKept);
  let isMore = false;
  for (const text of await generationTexts(edgePath))
    for (const [, name] of text.matchAll(/\/((?:certs\/[^/;\s]+|trust)\/[0-9a-f]{32})\.(?:crt|pem);/g))
      if (name !== undefined) named.add(name);
  const ids = await folderNames(join(edgePath, 'certs'));
  for (const folder of [...ids.map((id) => join('certs', id)), 'trust']) {
    const files = await folderNames(join(edgePath, folder));
    const nameOf = (file: string) => `${folder}/${file.replace(/\.(?:crt|key|pem)$/, '')}`;
    const useless = files.filter((file) => !named.has(nameOf(file)));
    isMore ||= files.some((file) => named.has(nameOf(file)) && !alsoKept.has(nameOf(file)));
    for (const file of useless) await rm(join(edgePath, folder, file), { force: true });
    if (folder !== 'trust' && useless.length === files.length)
      await rm(join(edgePath, folder), { recursive: true, force: true });
  }
  return isMore;
}
