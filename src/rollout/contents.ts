import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { HOST_PATH, OWN } from '../cluster.ts';
import type { Desired, DesiredContent } from '../compose/desired.ts';
import { SeawallError } from '../errors.ts';
import { type HostLink, runHelper } from '../hosts/index.ts';

/** One file or folder of a content, as the helper on the host writes it. */
interface Item {
  /** Below the content's own place; empty: the content itself. */
  readonly path: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Absent: a folder. */
  readonly base64?: string;
}

const listScript = `
const fs = require('node:fs');
const names = fs.existsSync('/host/content') ? fs.readdirSync('/host/content') : [];
process.stdout.write(names.filter((name) => /^[0-9a-f]+$/.test(name)).join('\\n'));
`;

/** Reads `{ hash: items }` on stdin; a content appears whole or not at all, and one that is there stays as it is. */
const writeScript = `
const fs = require('node:fs');
fs.mkdirSync('/host/content', { recursive: true, mode: 0o711 });
fs.chmodSync('/host/content', 0o711);
for (const [hash, items] of Object.entries(JSON.parse(fs.readFileSync(0, 'utf8')))) {
  const place = '/host/content/' + hash;
  if (fs.existsSync(place)) continue;
  const aside = place + '.new';
  fs.rmSync(aside, { recursive: true, force: true });
  for (const { path, mode, uid, gid, base64 } of items) {
    const at = path === '' ? aside : aside + '/' + path;
    if (base64 === undefined) fs.mkdirSync(at);
    else fs.writeFileSync(at, Buffer.from(base64, 'base64'), { flag: 'wx', mode });
    fs.chownSync(at, uid, gid);
    fs.chmodSync(at, mode);
  }
  fs.renameSync(aside, place);
}
`;

/** Reads hashes on stdin and answers with what {@link writeScript} reads. */
const readScript = `
const fs = require('node:fs');
const itemsAt = (at, path) => {
  const info = fs.statSync(at);
  const item = { path, mode: info.mode & 0o777, uid: info.uid, gid: info.gid };
  if (!info.isDirectory()) return [{ ...item, base64: fs.readFileSync(at).toString('base64') }];
  const below = fs.readdirSync(at).sort();
  return [item, ...below.flatMap((name) => itemsAt(at + '/' + name, path === '' ? name : path + '/' + name))];
};
const hashes = JSON.parse(fs.readFileSync(0, 'utf8'));
const contents = hashes.map((hash) => [hash, itemsAt('/host/content/' + hash, '')]);
process.stdout.write(JSON.stringify(Object.fromEntries(contents)));
`;

/**
 * Puts files and small trees where replicas mount them from: `/var/lib/seawall/content/HASH` on the host. What is there
 * already is not sent again; nothing stands in an argument, a variable or a log.
 */
export async function sendContents(
  host: HostLink,
  contents: Desired['contents'],
  signal: AbortSignal,
): Promise<void> {
  if (Object.keys(contents).length === 0) return;
  const present = await contentsOn(host, signal);
  const missing = Object.values(contents).filter((content) => !present.has(content.hash));
  if (missing.length === 0) return;
  const items: Record<string, Item[]> = {};
  for (const content of missing) items[content.hash] = await itemsOf(content);
  await atContents(host, writeScript, signal, items);
}

/**
 * Brings contents of an earlier release to hosts that lack them, from one that has them: the user's files may be others by
 * now. `wanted`: host → hashes.
 * @throws SeawallError `refused` when no host has one any more.
 */
export async function copyContents(
  hosts: readonly HostLink[],
  wanted: ReadonlyMap<string, ReadonlySet<string>>,
  signal: AbortSignal,
): Promise<void> {
  if ([...wanted.values()].every(({ size }) => size === 0)) return;
  const there = await Promise.all(hosts.map(async (host) => ({ host, has: await contentsOn(host, signal) })));
  for (const { host, has } of there) {
    const missing = [...(wanted.get(host.name) ?? [])].filter((hash) => !has.has(hash));
    const holders = Map.groupBy(missing, (hash) => there.find((each) => each.has.has(hash))?.host);
    for (const [holder, hashes] of holders) {
      if (holder === undefined) {
        const text = 'no host has the files any more that a service of that release mounts';
        const hint = 'Check the earlier version out and deploy it: seawall deploy';
        throw new SeawallError('refused', text, { where: host.name, hint });
      }
      const items = JSON.parse(await atContents(holder, readScript, signal, hashes)) as object;
      await atContents(host, writeScript, signal, items);
    }
  }
}

/** Hashes of the contents that are on a host. */
async function contentsOn(host: HostLink, signal: AbortSignal): Promise<ReadonlySet<string>> {
  return new Set((await atContents(host, listScript, signal)).split('\n'));
}

async function atContents(
  host: HostLink,
  script: string,
  signal: AbortSignal,
  input?: object,
): Promise<string> {
  const { Image: image } = await host.docker.inspectContainer(OWN.agent, { signal });
  const hostConfig = { Binds: [`${HOST_PATH.state}:/host:rw`], CapAdd: ['CHOWN', 'FOWNER', 'DAC_OVERRIDE'] };
  return runHelper(host.docker, script, {
    ...{ image, signal, hostConfig },
    ...(input === undefined ? {} : { input: JSON.stringify(input) }),
  });
}

async function itemsOf(content: DesiredContent): Promise<Item[]> {
  if (content.kind === 'tree') return treeItems(content.source ?? '', '');
  const data = content.text === undefined ? await readFile(content.source ?? '') : Buffer.from(content.text);
  const { mode = 0o444, uid = 0, gid = 0 } = content;
  return [{ path: '', mode, uid, gid, base64: data.toString('base64') }];
}

async function treeItems(source: string, path: string): Promise<Item[]> {
  const info = await stat(source);
  const mode = info.mode & 0o777;
  if (info.isFile()) {
    return [
      { path, mode: mode | 0o444, uid: 0, gid: 0, base64: (await readFile(source)).toString('base64') },
    ];
  }
  if (!info.isDirectory()) {
    throw new SeawallError('input', `${source} is neither a file nor a folder`, { where: source });
  }
  const below = await Promise.all(
    (await readdir(source))
      .sort()
      .map((name) => treeItems(join(source, name), path === '' ? name : `${path}/${name}`)),
  );
  return [{ path, mode: mode | 0o555, uid: 0, gid: 0 }, ...below.flat()];
}
