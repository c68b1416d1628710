import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Docker, DockerError, type HostLink } from '../hosts/index.ts';
import { containerLines, type LogOrigin, listLogContainers } from './log-source.ts';

const container = (replica: number, service = 'web') => ({
  Id: `${service}${replica}`,
  Names: [`/shop-${service}-${replica}`],
  Labels: { 'seawall.project': 'shop', 'seawall.service': service, 'seawall.replica': `${replica}` },
});

const linkTo = (docker: object) => ({ docker: docker as Docker, name: 'app1' }) as HostLink;

test('a container whose logging driver cannot be read has no lines, and that is said; other faults are not swallowed', async () => {
  const failing = (status: number) =>
    linkTo({
      async *containerLogs() {
        yield* [];
        throw new DockerError(status, 'configured logging driver does not support reading');
      },
    });
  const said: LogOrigin[] = [];
  const read = async (status: number) => {
    const lines = containerLines(failing(status), container(1), {}, (origin) => said.push(origin));
    for await (const line of lines) assert.fail(line.line);
  };
  await read(501);
  assert.deepEqual(said, [{ host: 'app1', service: 'web', replica: 1, container: 'shop-web-1' }]);
  await assert.rejects(read(500), { code: 'docker' });
  assert.equal(said.length, 1);
});

test('a container that is asked for twice, by its service and by itself, is there once', async () => {
  const link = linkTo({ listContainers: async () => [container(1), container(2), container(1, 'db')] });
  const { signal } = new AbortController();
  const wanted = [{ service: 'web' }, { service: 'web', replica: 1 }];
  const ids = async (filter: Parameters<typeof listLogContainers>[1]) =>
    (await listLogContainers(link, filter, signal)).map(({ Id }) => Id);
  assert.deepEqual(await ids({ project: 'shop', wanted }), ['web1', 'web2']);
  assert.deepEqual(await ids({ project: 'shop', wanted: wanted.slice(1) }), ['web1']);
  assert.deepEqual(await ids({ project: 'shop', wanted: [] }), ['web1', 'web2', 'db1']);
});
