import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { WRITE_SCRIPT } from './folder.ts';

async function folderFor(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'seawall-kept-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Runs the helper's program as the helper does, but on a folder of this machine and for its own user. */
function write(
  base: string,
  version: string,
  options: { readonly text?: string; readonly replaces?: boolean } = {},
): void {
  const { text = version, replaces = false } = options;
  const file = (name: string, mode: number) => ({ name, text: `${name} ${text}`, mode, uid: 0, gid: 0 });
  const files = [file('x.key', 0o600), file('x.crt', 0o444), file('ca.crt', 0o444)];
  const input = JSON.stringify({ base, version, files, replaces });
  execFileSync(process.execPath, ['-e', WRITE_SCRIPT], { input, stdio: ['pipe', 'ignore', 'pipe'] });
}

const mode = async (path: string): Promise<string> => ((await stat(path)).mode & 0o777).toString(8);

test('a folder is made with its files, the key for its owner alone', async (t) => {
  const base = join(await folderFor(t), 'tls');
  write(base, 'v1');
  assert.deepEqual((await readdir(base)).sort(), ['.seawall', 'ca.crt', 'x.crt', 'x.key']);
  assert.deepEqual([await mode(join(base, 'x.key')), await mode(join(base, 'x.crt'))], ['600', '444']);
  assert.equal(await readFile(join(base, 'x.key'), 'utf8'), 'x.key v1');
});

test('a new version takes the place of the one before as a whole; that one stays, older ones go', async (t) => {
  const base = await folderFor(t);
  for (const version of ['v1', 'v2', 'v3']) write(base, version);
  assert.equal(await readlink(join(base, '.seawall/current')), 'v3');
  for (const name of ['x.key', 'x.crt', 'ca.crt'])
    assert.equal(await readFile(join(base, name), 'utf8'), `${name} v3`);
  assert.deepEqual((await readdir(join(base, '.seawall'))).sort(), ['current', 'v2', 'v3']);
});

test('a folder that was seen through a mount shows the new files: nothing of it is replaced but names in it', async (t) => {
  const base = await folderFor(t);
  write(base, 'v1');
  const { ino } = await stat(base);
  write(base, 'v2');
  assert.equal((await stat(base)).ino, ino);
});

test('a version that is there is left as it is, and what was cut short is made again', async (t) => {
  const base = await folderFor(t);
  await mkdir(join(base, '.seawall/v1.new'), { recursive: true });
  await writeFile(join(base, '.seawall/v1.new/x.key'), 'half');
  await symlink('v0', join(base, '.seawall/current.new'));
  write(base, 'v1');
  write(base, 'v1', { text: 'other' });
  assert.equal(await readFile(join(base, 'x.key'), 'utf8'), 'x.key v1');
});

test('a file of somebody else is not replaced unasked, and then nothing is written', async (t) => {
  const base = await folderFor(t);
  await writeFile(join(base, 'x.crt'), 'mine');
  assert.throws(() => write(base, 'v1'), /x\.crt is there already/);
  assert.deepEqual(await readdir(base), ['x.crt']);
  write(base, 'v1', { replaces: true });
  assert.equal(await readFile(join(base, 'x.crt'), 'utf8'), 'x.crt v1');
  write(base, 'v2');
  assert.equal(await readFile(join(base, 'x.crt'), 'utf8'), 'x.crt v2');
});

test('a link that somebody put in the way is replaced, not followed', async (t) => {
  const folder = await folderFor(t);
  const [base, victim] = [join(folder, 'tls'), join(folder, 'victim')];
  await writeFile(victim, 'untouched');
  await mkdir(base);
  await symlink(victim, join(base, 'x.key'));
  assert.throws(() => write(base, 'v1'), /x\.key is there already/);
  write(base, 'v1', { replaces: true });
  assert.equal(await readFile(victim, 'utf8'), 'untouched');
});
