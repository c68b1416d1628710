import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Docker } from './docker.ts';

/** Runs `use` with a client of an engine that answers so. */
async function withEngine(answer: RequestListener, use: (docker: Docker) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'seawall-test-'));
  const server = createServer(answer);
  const socket = join(folder, 's');
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  const docker = new Docker(socket, 'app1');
  try {
    await use(docker);
  } finally {
    docker.close();
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true });
  }
}

test('an engine that was replaced under this process is asked anew what it speaks', async () => {
  let speaks = 43;
  const answer: RequestListener = ({ url = '' }, response) => {
    const asked = /^\/v1\.(\d+)\//.exec(url)?.[1];
    response.setHeader('Api-Version', `1.${speaks}`);
    const isRefused = asked !== undefined && Number(asked) !== speaks;
    const age = Number(asked) < speaks ? 'old. Minimum' : 'new. Maximum';
    const message = `client version 1.${asked} is too ${age} supported API version is 1.${speaks}`;
    response.statusCode = isRefused ? 400 : 200;
    response.end(JSON.stringify(isRefused ? { message } : {}));
  };
  await withEngine(answer, async (docker) => {
    for (const next of [43, 47, 44]) {
      speaks = next;
      if (next !== 43) await assert.rejects(docker.info(), { status: 400 });
      await docker.info();
      assert.equal(await docker.apiVersion(), `1.${next}`);
    }
  });
});

test('other refusals leave the version as it is', async () => {
  let pings = 0;
  const answer: RequestListener = ({ url = '' }, response) => {
    if (url === '/_ping') pings += 1;
    response.setHeader('Api-Version', '1.43');
    response.statusCode = url === '/_ping' ? 200 : 400;
    response.end(JSON.stringify({ message: 'bad parameter' }));
  };
  await withEngine(answer, async (docker) => {
    await assert.rejects(docker.info(), { status: 400 });
    await assert.rejects(docker.info(), { status: 400 });
    assert.equal(pings, 1);
  });
});

test('an image gets the name that is meant, with a tag or without', async () => {
  const asked: string[] = [];
  const answer: RequestListener = ({ url = '' }, response) => {
    asked.push(url);
    response.setHeader('Api-Version', '1.43');
    response.end();
  };
  await withEngine(answer, async (docker) => {
    for (const name of ['myapp', 'localhost:5000/app', 'localhost:5000/app:2', 'ghcr.io/a/b:c'])
      await docker.tagImage('sha256:1', name);
  });
  const names = asked.slice(1).map((url) => {
    const query = new URL(url, 'http://docker').searchParams;
    return [query.get('repo'), query.get('tag')];
  });
  assert.deepEqual(names, [
    ['myapp', 'latest'],
    ['localhost:5000/app', 'latest'],
    ['localhost:5000/app', '2'],
    ['ghcr.io/a/b', 'c'],
  ]);
});
