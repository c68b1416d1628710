import { existsSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { requireProgram } from './apt.ts';
import { runCommand } from './command.ts';
import { debianMirror } from './mirror.ts';
import type { Say } from './progress.ts';

/** What is laid over a fresh Debian: the settings of Docker's slim images. */
export const overlayFolder = join(import.meta.dirname, 'images/debian');
/** Certificates that this machine trusts on top of Debian's; programs inside need them as much as out here. */
export const certificateFolder = '/usr/local/share/ca-certificates';

const scripts = '/usr/share/debootstrap/scripts';
const bulk = ['usr/share/doc', 'usr/share/man', 'usr/share/info', 'usr/share/locale', 'var/lib/apt/lists'];
const caches = ['var/cache/apt', 'var/cache/debconf', 'var/log'];

/** What {@link bootstrapDebian} needs on this machine; once, before several run side by side: apt has one lock. */
export const requireBootstrap = (say: Say): Promise<void> =>
  requireProgram('debootstrap', ['debootstrap', 'debian-archive-keyring', 'gpgv'], say);

/** Bootstraps a minimal Debian in an empty folder and imports it as `image`; needs root. About 35 s. */
export async function bootstrapDebian(
  suite: string,
  image: string,
  label: string,
  scratch: string,
): Promise<void> {
  const root = join(scratch, 'root');
  const archive = join(scratch, 'root.tar');
  const mirror = await debianMirror();
  await runCommand('debootstrap', ['--variant=minbase', suite, root, mirror, debootstrapScript(suite)]);
  await slimDebian(root);
  await runCommand('tar', ['-C', root, '--numeric-owner', '-cf', archive, '.']);
  const changes = [`LABEL ${label}`, 'CMD ["bash"]'].flatMap((change) => ['--change', change]);
  await runCommand('docker', ['import', ...changes, archive, image]);
}

/** An older debootstrap does not know the newest suites by name, but their script is that of sid. */
function debootstrapScript(suite: string): string {
  const own = join(scripts, suite);
  return existsSync(own) ? own : join(scripts, 'sid');
}

async function slimDebian(root: string): Promise<void> {
  for (const folder of [...bulk, ...caches]) {
    await runCommand('find', [join(root, folder), '-type', 'f', '-delete']);
  }
  for (const folder of bulk) {
    await runCommand('find', [join(root, folder), '-mindepth', '1', '-delete']);
  }
  await cp(overlayFolder, root, { recursive: true });
  const certificates = join(root, certificateFolder);
  if (existsSync(certificateFolder)) await cp(certificateFolder, certificates, { recursive: true });
}
