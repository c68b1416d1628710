import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { pack } from 'tar-stream';
import { runCommand } from './command.ts';

/** A pair of ssh keys in a state folder. */
export interface KeyPair {
  /** The private key's file. */
  readonly file: string;
  /** The public half as a line of `authorized_keys`, without a comment. */
  readonly publicKey: string;
}

/** The key pair of that name; made at the first call. */
export async function ensureKeyPair(stateDir: string, name: string): Promise<KeyPair> {
  const folder = join(stateDir, 'keys');
  const file = join(folder, name);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if (!existsSync(file)) {
    await runCommand('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', file]);
  }
  return { file, publicKey: (await readFile(`${file}.pub`, 'utf8')).trim() };
}

/** A tar of the files that let the user into a machine and prove the machine to the user. */
export function packIdentity(
  userKey: KeyPair,
  hostPrivateKey: string,
  hostPublicKey: string,
  hasDeployUser: boolean,
): Promise<Buffer> {
  const archive = pack();
  const authorized = `${userKey.publicKey}\n`;
  const hostKeyFile = 'etc/ssh/ssh_host_ed25519_key';
  archive.entry({ name: hostKeyFile, mode: 0o600 }, hostPrivateKey);
  archive.entry({ name: `${hostKeyFile}.pub`, mode: 0o644 }, `${hostPublicKey}\n`);
  archive.entry({ name: 'root/.ssh/', type: 'directory', mode: 0o700 });
  archive.entry({ name: 'root/.ssh/authorized_keys', mode: 0o600 }, authorized);
  if (hasDeployUser) {
    const owner = { uid: 1000, gid: 1000 };
    archive.entry({ name: 'home/deploy/.ssh/', type: 'directory', mode: 0o700, ...owner });
    archive.entry({ name: 'home/deploy/.ssh/authorized_keys', mode: 0o600, ...owner }, authorized);
  }
  archive.finalize();
  return buffer(archive);
}
