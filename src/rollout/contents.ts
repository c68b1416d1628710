import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pack } from 'tar-stream';
import { HOST_PATH, OWN } from '../cluster.ts';
import type { Desired, DesiredContent } from '../compose/desired.ts';
import { SeawallError } from '../errors.ts';
import type { HostLink } from '../hosts/index.ts';

/**
 * Puts files and small trees where replicas mount them from: `/var/lib/seawall/content/HASH` on the host, through the
 * agent container, which has that folder. What is there already is not sent again.
 */
export async function sendContents(
  host: HostLink,
  contents: Desired['contents'],
  signal: AbortSignal,
): Promise<void> {
  const wanted = Object.values(contents);
  if (wanted.length === 0) return;
  const listed = await host.docker.exec(OWN.agent, ['ls', '-1', HOST_PATH.content], { signal });
  const present = new Set(listed.stdout.toString().split('\n'));
  for (const content of wanted) {
    if (present.has(content.hash)) continue;
    const archive = pack();
    await addContent(archive, content);
    archive.finalize();
    await host.docker.putArchive(OWN.agent, HOST_PATH.content, Readable.from(archive), { signal });
  }
}

type Pack = ReturnType<typeof pack>;

async function addContent(archive: Pack, content: DesiredContent): Promise<void> {
  if (content.kind === 'tree') return addTree(archive, content.source ?? '', content.hash);
  const data = content.text === undefined ? await readFile(content.source ?? '') : Buffer.from(content.text);
  const { mode = 0o444, uid = 0, gid = 0 } = content;
  archive.entry({ name: content.hash, mode, uid, gid }, data);
}

async function addTree(archive: Pack, source: string, name: string): Promise<void> {
  const info = await stat(source);
  if (info.isDirectory()) {
    archive.entry({ name: `${name}/`, type: 'directory', mode: info.mode & 0o777 });
    for (const entry of (await readdir(source)).sort())
      await addTree(archive, join(source, entry), `${name}/${entry}`);
  } else if (info.isFile()) archive.entry({ name, mode: info.mode & 0o777 }, await readFile(source));
  else throw new SeawallError('input', `${source} is neither a file nor a folder`, { where: source });
}
