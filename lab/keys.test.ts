import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { extract } from 'tar-stream';
import { packIdentity } from './keys.ts';

test('a machine gets the private host key for root only, and the user key for every user', async () => {
  const userKey = { file: '/k/user', publicKey: 'ssh-ed25519 USER' };
  const archive = await packIdentity(userKey, 'PRIVATE\n', 'ssh-ed25519 HOST', true);
  const entries = new Map<string, string>();
  const reader = Readable.from([archive]).pipe(extract());
  for await (const entry of reader) {
    const { name, mode = 0, uid = 0 } = entry.header;
    const content = await text(entry);
    entries.set(name, `${mode.toString(8)} ${uid} ${content.trim()}`.trim());
  }
  assert.deepEqual(Object.fromEntries(entries), {
    'etc/ssh/ssh_host_ed25519_key': '600 0 PRIVATE',
    'etc/ssh/ssh_host_ed25519_key.pub': '644 0 ssh-ed25519 HOST',
    'root/.ssh/': '700 0',
    'root/.ssh/authorized_keys': '600 0 ssh-ed25519 USER',
    'home/deploy/.ssh/': '700 1000',
    'home/deploy/.ssh/authorized_keys': '600 1000 ssh-ed25519 USER',
  });
});
