import { HOST_PATH, OWN } from '../../cluster.ts';
import { type Docker, runHelper } from '../../hosts/index.ts';
import { isServiceCertificate, type KeptCertificate } from '../../kept-certificate.ts';
import type { FolderContent } from './files.ts';

type HelperDocker = Parameters<typeof runHelper>[0] & Pick<Docker, 'inspectContainer'>;

interface Options {
  readonly docker: HelperDocker;
  readonly signal: AbortSignal;
}

/**
 * Reads `{ base, version, files, replaces }` on stdin. A version's folder appears whole; `current` is moved to it by one rename; the
 * files are links through it. The version before stays for who has it open, older ones go.
 */
export const WRITE_SCRIPT = `
const fs = require('node:fs');
const { base, version, files, replaces } = JSON.parse(fs.readFileSync(0, 'utf8'));
const linkOf = (path) => { try { return fs.readlinkSync(path); } catch { return undefined; } };
const isThere = (path) => { try { fs.lstatSync(path); return true; } catch { return false; } };
const link = (target, path) => {
  if (linkOf(path) === target) return;
  fs.rmSync(path + '.new', { force: true });
  fs.symlinkSync(target, path + '.new');
  fs.renameSync(path + '.new', path);
};
const inStore = (name) => '.seawall/current/' + name;
for (const { name } of files) {
  const path = base + '/' + name;
  if (!replaces && isThere(path) && linkOf(path) !== inStore(name)) throw new Error(name + ' is there already, and not of Seawall');
}
const store = base + '/.seawall';
for (const path of [base, store]) {
  if (isThere(path)) continue;
  fs.mkdirSync(path, { recursive: true });
  fs.chmodSync(path, 0o755);
}
const place = store + '/' + version;
if (!isThere(place)) {
  const aside = place + '.new';
  fs.rmSync(aside, { recursive: true, force: true });
  fs.mkdirSync(aside);
  fs.chmodSync(aside, 0o755);
  for (const { name, text, mode, uid, gid } of files) {
    const file = fs.openSync(aside + '/' + name, 'wx', 0o600);
    fs.writeSync(file, text);
    fs.fchmodSync(file, mode);
    if (uid !== 0 || gid !== 0) fs.fchownSync(file, uid, gid);
    fs.fsyncSync(file);
    fs.closeSync(file);
  }
  fs.renameSync(aside, place);
}
const before = linkOf(store + '/current');
link(version, store + '/current');
for (const { name } of files) link(inStore(name), base + '/' + name);
const stays = ['current', version, ...(before === undefined ? [] : [before])];
if (before !== version)
  for (const name of fs.readdirSync(store)) if (!stays.includes(name)) fs.rmSync(store + '/' + name, { recursive: true, force: true });
`;

/** Brings a folder up to date; one that is so already is left as it is. */
export async function writeFolder(
  kept: KeptCertificate,
  { version, files }: FolderContent,
  { docker, signal }: Options,
): Promise<void> {
  const { Image: image } = await docker.inspectContainer(OWN.agent, { signal });
  const isService = isServiceCertificate(kept.id);
  const source = isService ? HOST_PATH.serviceCertificates : kept.folder;
  const base = isService ? `/host/${kept.id}` : '/host';
  await runHelper(docker, WRITE_SCRIPT, {
    ...{ image, signal, hostConfig: rights(source, isService) },
    input: JSON.stringify({ base, version, files, replaces: kept.replaces }),
  });
}

/** Reads the name of a folder on stdin. */
const removeScript = `
const fs = require('node:fs');
const { id } = JSON.parse(fs.readFileSync(0, 'utf8'));
fs.rmSync('/host/' + id, { recursive: true, force: true });
`;

/** Takes the folder of a service away, with the keys in it. */
export async function removeServiceFolder(id: string, { docker, signal }: Options): Promise<void> {
  const { Image: image } = await docker.inspectContainer(OWN.agent, { signal });
  const hostConfig = rights(HOST_PATH.serviceCertificates, true);
  await runHelper(docker, removeScript, { image, signal, hostConfig, input: JSON.stringify({ id }) });
}

/** Of services the keys are given to their users; a folder of somebody else's may belong to a user that is not root. */
function rights(source: string, isService: boolean) {
  return { Binds: [`${source}:/host:rw`], CapAdd: [isService ? 'CHOWN' : 'DAC_OVERRIDE'] };
}
