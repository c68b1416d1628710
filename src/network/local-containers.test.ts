import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContainerSummary } from '../hosts/index.ts';
import { LABEL } from '../labels.ts';
import { localContainers } from './local-containers.ts';

function summary(name: string, more: Partial<ContainerSummary>): ContainerSummary {
  const base = {
    Id: name,
    Names: [`/${name}`],
    Image: '',
    ImageID: '',
    State: 'running',
    Status: '',
    Created: 0,
    Ports: [],
  };
  return { ...base, Labels: { [LABEL.project]: 'polls' }, ...more } as ContainerSummary;
}
const endpoint = (IPAddress: string, fixed?: string) => ({
  NetworkID: '',
  IPAddress,
  ...(fixed === undefined ? {} : { IPAMConfig: { IPv4Address: fixed } }),
});
const networks = (all: Record<string, ReturnType<typeof endpoint>>) => ({
  NetworkSettings: { Networks: all },
});

test('a container that is created but not started counts with the address that it will have', () => {
  const found = localContainers([
    summary(
      'web',
      networks({ 'seawall.polls.default': endpoint('', '10.208.16.130'), bridge: endpoint('172.17.0.2') }),
    ),
    summary('one-off', networks({ 'seawall.polls.back': endpoint('10.208.17.70') })),
    summary('elsewhere', networks({ 'seawall.shop.default': endpoint('10.208.18.2') })),
    summary('by-hand', { ...networks({ 'seawall.polls.default': endpoint('10.208.16.131') }), Labels: {} }),
  ]);
  assert.deepEqual(found, [
    { name: 'one-off', project: 'polls', addresses: { back: '10.208.17.70' }, exposed: [] },
    { name: 'web', project: 'polls', addresses: { default: '10.208.16.130' }, exposed: [] },
  ]);
});

test('a label that is not understood opens no port', () => {
  const exposed = (label: string) => {
    const Labels = { [LABEL.project]: 'polls', [LABEL.expose]: label };
    return localContainers([
      summary('db', { ...networks({ 'seawall.polls.default': endpoint('10.208.16.130') }), Labels }),
    ])[0]?.exposed;
  };
  assert.deepEqual(exposed('{"5432/tcp":["192.0.2.0/24",7]}'), [
    { published: 5432, protocol: 'tcp', allow: ['192.0.2.0/24'] },
  ]);
  for (const label of [
    '',
    '{',
    'null',
    '[]',
    '{"5432":["0.0.0.0/0"]}',
    '{"5432/tcp -j ACCEPT":["0.0.0.0/0"]}',
    '{"5432/tcp":"0.0.0.0/0"}',
  ]) {
    assert.deepEqual(exposed(label), [], label);
  }
});

test("a service's own resolvers are addresses; what else stands in the label asks nobody", () => {
  const resolvers = (label: string) => {
    const Labels = { [LABEL.project]: 'polls', [LABEL.dns]: label };
    const found = localContainers([
      summary('web', { ...networks({ 'seawall.polls.default': endpoint('10.208.16.130') }), Labels }),
    ]);
    return found[0]?.resolvers;
  };
  assert.deepEqual(resolvers('["192.0.2.53","2001:db8::53"]'), ['192.0.2.53', '2001:db8::53']);
  for (const label of ['', '{', 'null', '{}', '["$(reboot)","a.example",7.5e9,"-x"]'])
    assert.equal(
      resolvers(label)?.find((one) => !/^[\d.:]+$/.test(one)),
      undefined,
      label,
    );
});
