import { z } from 'zod';
import { type LinkKind, OWN } from '../cluster.ts';
import { SeawallError } from '../errors.ts';
import { runCommand } from './command.ts';
import { type LinkEnd, type LinkListing, linkMtu, planLink } from './link-plan.ts';

/** What `ip -j` and `bridge -j` print, as far as it is read. Empty objects stand for what a filter left out. */
const devices = z.array(
  z.object({
    ifname: z.string().default(''),
    mtu: z.number().default(0),
    flags: z.array(z.string()).default([]),
    address: z.string().default(''),
    linkinfo: z
      .object({
        info_kind: z.string().default(''),
        info_data: z
          .object({ id: z.number().optional(), port: z.number().optional(), local: z.string().optional() })
          .default({}),
      })
      .default({ info_kind: '', info_data: {} }),
    addr_info: z
      .array(
        z.object({
          family: z.string().default(''),
          local: z.string().default(''),
          prefixlen: z.number().default(32),
        }),
      )
      .default([]),
  }),
);
const forwardings = z.array(z.object({ mac: z.string().default(''), dst: z.string().optional() }));
const neighbours = z.array(z.object({ dst: z.string(), lladdr: z.string().default('') }));
const routes = z.array(
  z.object({
    dst: z.string(),
    type: z.string().optional(),
    dev: z.string().optional(),
    gateway: z.string().optional(),
    prefsrc: z.string().optional(),
  }),
);

type Device = z.infer<typeof devices>[number];

export interface LinkOptions {
  readonly kind: LinkKind;
  readonly range: string;
  readonly own: LinkEnd;
  readonly peers: readonly LinkEnd[];
  readonly signal?: AbortSignal;
}

/**
 * Makes the link what it should be. Throws `refused` when the host's own address is none of its interfaces', or
 * when the kernel refuses a command.
 * @returns the commands that were needed, and the link's MTU in bytes
 */
export async function applyLink(
  options: LinkOptions,
): Promise<{ readonly commands: string[][]; readonly mtu: number }> {
  const { kind, range, own, peers, signal } = options;
  const call = signal === undefined ? {} : { signal };
  const all = devices.parse(JSON.parse((await runCommand(['ip', '-j', '-d', 'addr', 'show'], call)) || '[]'));
  const wish = { kind, range, own, peers, underlayMtu: underlayMtu(kind, own.address, all) };
  const commands = planLink(wish, await listLink(range, all, signal));
  for (const argv of commands) await runCommand(argv, call);
  return { commands, mtu: linkMtu(wish) };
}

function underlayMtu(kind: LinkKind, address: string, all: readonly Device[]): number {
  const carrier = all.find((device) => device.addr_info.some((one) => one.local === address));
  if (carrier !== undefined) return carrier.mtu;
  if (kind === 'none') return 1500;
  throw new SeawallError(
    'refused',
    `No interface of this host has the address ${address} that its link should use`,
    {
      hint: 'Give the host `address:` in seawall.yml: one of its own, reachable for the other hosts.',
    },
  );
}

async function listLink(
  range: string,
  all: readonly Device[],
  signal: AbortSignal | undefined,
): Promise<LinkListing> {
  const call = signal === undefined ? {} : { signal };
  const read = async <T>(schema: z.ZodType<T>, ...argv: string[]): Promise<T> =>
    schema.parse(JSON.parse((await runCommand(argv, call)) || '[]'));
  const list = await read(routes, 'ip', '-j', 'route', 'show', 'root', range);
  const device = all.find((one) => one.ifname === OWN.link);
  const known = {
    addresses: (device?.addr_info ?? [])
      .filter((one) => one.family === 'inet')
      .map((one) => `${one.local}/${one.prefixlen}`),
    routes: list.map((route) => ({
      to: route.dst,
      type: route.type === 'unreachable' ? ('unreachable' as const) : ('unicast' as const),
      ...(route.dev === undefined ? {} : { device: route.dev }),
      ...(route.gateway === undefined ? {} : { via: route.gateway }),
      ...(route.prefsrc === undefined ? {} : { source: route.prefsrc }),
    })),
  };
  if (device === undefined) return { ...known, forwarding: [], neighbours: [] };
  const entries = await read(forwardings, 'bridge', '-j', 'fdb', 'show', 'dev', OWN.link);
  const near = await read(neighbours, 'ip', '-4', '-j', 'neigh', 'show', 'dev', OWN.link, 'nud', 'permanent');
  return {
    ...known,
    device: linkDevice(device),
    forwarding: entries.flatMap(({ mac, dst }) => (dst === undefined ? [] : [{ mac, to: dst }])),
    neighbours: near.map((one) => ({ address: one.dst, mac: one.lladdr })),
  };
}

function linkDevice(device: Device): NonNullable<LinkListing['device']> {
  const { info_kind: kind, info_data: data } = device.linkinfo;
  return {
    kind,
    mtu: device.mtu,
    up: device.flags.includes('UP'),
    mac: device.address,
    ...(kind === 'vxlan'
      ? { vxlan: { id: data.id ?? 0, port: data.port ?? 0, local: data.local ?? '' } }
      : {}),
  };
}
