import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { makePrivateFolder, refuseOverwrite, writeOutputs } from './ca-files.ts';

async function folderFor(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'seawall-files-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

const mode = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;

test('keys are for their owner alone, whatever stood there before', async (t) => {
  const folder = join(await folderFor(t), 'a/b');
  await makePrivateFolder(folder);
  assert.equal(await mode(folder), 0o700);
  const path = join(folder, 'x.key');
  await writeFile(`${path}.new`, 'left behind', { mode: 0o666 });
  await writeFile(path, 'old', { mode: 0o666 });
  await writeOutputs([{ path, text: 'secret', mode: 0o600 }]);
  assert.equal(await mode(path), 0o600);
  assert.equal(await readFile(path, 'utf8'), 'secret');
  assert.deepEqual(await readdir(folder), ['x.key']);
});

test('what is there is not overwritten unasked, nor is what a link points to', async (t) => {
  const folder = await folderFor(t);
  const [path, link] = [join(folder, 'x'), join(folder, 'link')];
  await refuseOverwrite([path], false);
  await symlink(path, link);
  await assert.rejects(refuseOverwrite([path, link], false), { code: 'input', where: link });
  await refuseOverwrite([link], true);
  await writeOutputs([{ path: link, text: 'new', mode: 0o600 }]);
  await assert.rejects(stat(path), { code: 'ENOENT' });
});

test('a place that cannot be written is named', async (t) => {
  const file = join(await folderFor(t), 'file');
  await writeFile(file, '');
  await assert.rejects(makePrivateFolder(join(file, 'below')), { code: 'input' });
  await assert.rejects(writeOutputs([{ path: join(file, 'x'), text: '', mode: 0o600 }]), { code: 'input' });
});
