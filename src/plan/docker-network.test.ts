import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dockerNetworkBody } from './docker-network.ts';

const network = { cluster: 'c', project: 'polls', network: 'default', subnet: '10.208.17.0/25', block: 2 };

test('a network has its block, its own bridge, and leaves masquerading and isolation to the host rules', () => {
  const body = dockerNetworkBody({ ...network, engineApiVersion: '1.41', mtu: 1450 });
  assert.deepEqual(body.IPAM.Config, [
    { Subnet: '10.208.17.0/25', Gateway: '10.208.17.1', IPRange: '10.208.17.64/26' },
  ]);
  assert.equal(body.Internal, false);
  assert.deepEqual(body.Options, {
    'com.docker.network.bridge.name': 'sw-2',
    'com.docker.network.bridge.enable_ip_masquerade': 'false',
    'com.docker.network.driver.mtu': '1450',
  });
});

test('engines that close container addresses to other interfaces are told to trust the link', () => {
  const options = (engineApiVersion: string): Record<string, string> =>
    dockerNetworkBody({ ...network, engineApiVersion }).Options;
  const trusted = 'com.docker.network.bridge.trusted_host_interfaces';
  const mode = 'com.docker.network.bridge.gateway_mode_ipv4';
  assert.deepEqual([options('1.47')[trusted], options('1.47')[mode]], [undefined, undefined]);
  assert.deepEqual([options('1.48')[trusted], options('1.48')[mode]], [undefined, 'nat-unprotected']);
  assert.deepEqual([options('1.51')[trusted], options('1.51')[mode]], ['seawall0', undefined]);
  assert.equal(options('2.0')[trusted], 'seawall0');
});
