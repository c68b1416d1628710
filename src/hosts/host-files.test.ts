import assert from 'node:assert/strict';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { runInNewContext } from 'node:vm';
import type { Docker } from './docker.ts';
import { writeHostFiles } from './host-files.ts';

type What = Parameters<typeof writeHostFiles>[1];

/** The program that the helper container runs, and what it reads. */
async function helperOf(what: What): Promise<{ readonly script: string; readonly input: string }> {
  let script = '';
  let input = '';
  const docker = {
    createContainer: async (_name: string, body: { Entrypoint: readonly string[] }) => {
      script = body.Entrypoint[2] ?? '';
      return 'id';
    },
    attachContainer: async () => {
      const stream = new PassThrough();
      stream.end = ((text: string) => {
        input = text;
        stream.push(null);
        return stream;
      }) as typeof stream.end;
      return stream;
    },
    startContainer: async () => {},
    waitContainer: async () => 0,
    removeContainer: async () => {},
  };
  await writeHostFiles(docker as unknown as Docker, what, { image: 'i' });
  return { script, input };
}

/** node:fs whose paths below /host lie in `root`, and whose single writes take 3 bytes, as on a disk that becomes full. */
function shortFs(root: string, input: string) {
  const here = (path: string) => path.replace(/^\/host/, root);
  return {
    ...fs,
    readFileSync: () => input,
    rmSync: (path: string, options: fs.RmOptions) => fs.rmSync(here(path), options),
    openSync: (path: string, flags: string, mode: number) => fs.openSync(here(path), flags, mode),
    renameSync: (from: string, to: string) => fs.renameSync(here(from), here(to)),
    mkdirSync: (path: string, options: fs.MakeDirectoryOptions) => fs.mkdirSync(here(path), options),
    chmodSync: (path: string, mode: number) => fs.chmodSync(here(path), mode),
    writeSync: (file: number, content: string) => fs.writeSync(file, content.slice(0, 3)),
  };
}

test('a file of a host appears whole, also where the disk takes a part of it first', async () => {
  const root = fs.mkdtempSync(join(tmpdir(), 'seawall-test-'));
  try {
    const folders = [{ path: '/etc/seawall', mode: 0o750 }];
    const files = [{ path: '/etc/seawall/x', content: 'content of ü\n', mode: 0o640 }];
    const { script, input } = await helperOf({ folders, files });
    runInNewContext(script, { require: () => shortFs(root, input) });
    assert.equal(fs.readFileSync(join(root, 'etc/seawall/x'), 'utf8'), 'content of ü\n');
    assert.deepEqual(fs.readdirSync(join(root, 'etc/seawall')), ['x']);
  } finally {
    fs.rmSync(root, { recursive: true });
  }
});
