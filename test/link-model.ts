import assert from 'node:assert/strict';
import type { LinkListing } from '../src/network/link-plan.ts';

/** A machine without a link. */
export const BLANK: LinkListing = { addresses: [], forwarding: [], neighbours: [], routes: [] };

/** What `ip` and `bridge` would list after these commands; a command that the kernel would refuse fails the test. */
export function applyToListing(listing: LinkListing, commands: readonly (readonly string[])[]): LinkListing {
  return commands.reduce(applyCommand, listing);
}

function applyCommand(listing: LinkListing, argv: readonly string[]): LinkListing {
  const after = (word: string): string => argv[argv.indexOf(word) + 1] ?? '';
  const [program, object, verb, subject = ''] = argv;
  const key = `${program} ${object} ${verb}`;
  const { addresses, forwarding, neighbours, routes, device } = listing;
  if (key === 'ip link add') {
    assert.equal(device, undefined, 'the device is there already');
    const kind = after('type');
    const vxlan = { id: Number(after('id')), port: Number(after('dstport')), local: after('local') };
    const made = { kind, mtu: 1500, up: false, mac: argv.includes('address') ? after('address') : '' };
    return { ...listing, device: kind === 'vxlan' ? { ...made, vxlan } : made };
  }
  assert.ok(device !== undefined || key.startsWith('ip route'), `no device for ${argv.join(' ')}`);
  switch (key) {
    case 'ip link del':
      return { ...BLANK, routes: routes.filter((route) => route.device === undefined) };
    case 'ip link set':
      if (device === undefined) return listing;
      if (argv.includes('mtu')) return { ...listing, device: { ...device, mtu: Number(after('mtu')) } };
      return argv.includes('up') ? { ...listing, device: { ...device, up: true } } : listing;
    case 'ip addr add':
      return { ...listing, addresses: [...addresses, subject] };
    case 'ip addr del':
      return { ...listing, addresses: addresses.filter((one) => one !== subject) };
    case 'bridge fdb append':
      return { ...listing, forwarding: [...forwarding, { mac: subject, to: after('dst') }] };
    case 'bridge fdb del':
      return {
        ...listing,
        forwarding: forwarding.filter((one) => one.mac !== subject || one.to !== after('dst')),
      };
    case 'ip neigh replace': {
      const others = neighbours.filter((one) => one.address !== subject);
      return { ...listing, neighbours: [...others, { address: subject, mac: after('lladdr') }] };
    }
    case 'ip neigh del':
      return { ...listing, neighbours: neighbours.filter((one) => one.address !== subject) };
    case 'ip route del':
      return { ...listing, routes: routes.filter((route) => route.to !== subject) };
    case 'ip route replace': {
      if (subject === 'unreachable') {
        return { ...listing, routes: [...routes, { to: argv[4] ?? '', type: 'unreachable' }] };
      }
      const route = {
        to: subject,
        type: 'unicast' as const,
        device: after('dev'),
        ...(argv.includes('via') ? { via: after('via') } : {}),
        source: after('src'),
        ...(argv.includes('mtu') ? { mtu: Number(after('mtu')) } : {}),
      };
      // The kernel takes no source that the machine does not have.
      assert.ok(addresses.includes(`${route.source}/32`), `no address ${route.source}`);
      return { ...listing, routes: [...routes.filter((one) => one.to !== subject), route] };
    }
    default:
      throw new assert.AssertionError({ message: `unknown command: ${argv.join(' ')}` });
  }
}
