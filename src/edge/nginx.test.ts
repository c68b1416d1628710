import assert from 'node:assert/strict';
import { mkdtemp, readdir, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import { makeCurrent, writeGeneration } from './generations.ts';
import { NginxControl, type NginxOptions } from './nginx.ts';

/** Answers every question of the container's shell: all goes well but reloads. */
function makeShell(): Duplex {
  let asked = '';
  const shell: Duplex = new Duplex({
    read: () => undefined,
    write: (chunk, _encoding, done) => {
      const lines = `${asked}${chunk}`.split('\n');
      while (lines.length > 3) {
        const [id, program] = lines.splice(0, 3);
        const text = Buffer.from(`\x1e ${id} ${program === 'reload' ? 1 : 0}\n`);
        const head = Buffer.alloc(8);
        head[0] = 1;
        head.writeUInt32BE(text.length, 4);
        shell.push(Buffer.concat([head, text]));
      }
      asked = lines.join('\n');
      done();
    },
  });
  return shell;
}

const docker = {
  inspectContainer: async () => ({ State: { Status: 'running' } }),
  execInteractive: async () => ({ stream: makeShell() }),
  killContainer: async () => {
    throw new Error('Docker does not answer');
  },
} as unknown as NginxOptions['docker'];

test('configurations that nginx did not come to serve do not pile up, and none gets the number of the last one', async (t) => {
  const edgePath = await mkdtemp(join(tmpdir(), 'seawall-nginx-'));
  t.after(() => rm(edgePath, { recursive: true }));
  await writeGeneration(edgePath, { generation: 1, text: 'good' });
  await makeCurrent(edgePath, 1);
  const nginx = new NginxControl({ docker, container: 'edge', edgePath, sockets: { listenPorts: [80] } });
  t.after(() => nginx.close());
  const { signal } = new AbortController();
  for (const expected of [2, 3, 4]) {
    const generation = await nginx.nextNumber();
    assert.equal(generation, expected);
    await assert.rejects(nginx.apply({ generation, text: 'bad' }, signal), /does not answer/);
    assert.equal(await readlink(join(edgePath, 'current')), join('generations', '1'));
    assert.deepEqual((await readdir(join(edgePath, 'generations'))).toSorted(), ['1', `${expected}`]);
  }
});
