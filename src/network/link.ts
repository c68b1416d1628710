import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { HOST_PATH, type LinkKind, OWN } from '../cluster.ts';
import { SeawallError } from '../errors.ts';
import { runCommand } from './command.ts';
import {
  deviceKind,
  isRightDevice,
  type LinkEnd,
  type LinkListing,
  type LinkWish,
  linkMtu,
  planLink,
} from './link-plan.ts';
import type { ProgramWish } from './link-program.ts';
import { writeSnapshot } from './snapshot.ts';
import { applyWireguard, LINK_FILE } from './wireguard.ts';

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
    metrics: z.array(z.object({ mtu: z.number().optional() })).optional(),
  }),
);

type Device = z.infer<typeof devices>[number];

export interface LinkOptions {
  readonly kind: LinkKind;
  /** UDP. */
  readonly port: number;
  /** WireGuard only: `seawall-link` does what this host's kernel cannot. */
  readonly isInUserSpace: boolean;
  readonly range: string;
  readonly own: LinkEnd;
  readonly peers: readonly LinkEnd[];
  readonly signal?: AbortSignal;
}

/** Milliseconds for `seawall-link` to make its device once the way is free. */
const DEVICE_MS = 5_000;

/**
 * Makes the link what it should be. Throws `refused` when the host's own address is none of its interfaces', or
 * when the kernel refuses a command.
 * @returns the commands that were needed, and the link's MTU in bytes
 */
export async function applyLink(
  options: LinkOptions,
): Promise<{ readonly commands: string[][]; readonly mtu: number }> {
  const { kind, range, own, signal } = options;
  const call = signal === undefined ? {} : { signal };
  const all = await listDevices(signal);
  const wish = { ...options, underlayMtu: await underlayMtu(kind, own.address, all, signal) };
  const mtu = linkMtu(wish);
  if (kind === 'wireguard' && options.isInUserSpace) await askProgram(options, mtu);
  let listing = await listLink(range, all, signal);
  const freed = await awaitProgram(wish, listing, signal);
  if (freed !== undefined) listing = await listLink(range, await listDevices(signal), signal);
  const commands = [...(freed ?? []), ...planLink(wish, listing)];
  for (const argv of commands.slice(freed?.length ?? 0)) await runCommand(argv, call);
  if (kind === 'wireguard' && !options.isInUserSpace) {
    commands.push(...(await applyWireguard(wireguardWish(options), signal)));
  }
  return { commands, mtu };
}

async function listDevices(signal: AbortSignal | undefined): Promise<readonly Device[]> {
  const call = signal === undefined ? {} : { signal };
  return devices.parse(JSON.parse((await runCommand(['ip', '-j', '-d', 'addr', 'show'], call)) || '[]'));
}

function wireguardWish({ range, port, own, peers }: LinkOptions): Omit<ProgramWish, 'mtu'> {
  if (own.publicKey === undefined) {
    throw new SeawallError('refused', 'this host has no key for WireGuard', {
      hint: 'Run `seawall machine setup`.',
    });
  }
  return { range, port, publicKey: own.publicKey, peers };
}

/** Writes down for `seawall-link` what the link should be. */
async function askProgram(options: LinkOptions, mtu: number): Promise<void> {
  const wish: ProgramWish = { ...wireguardWish(options), mtu };
  await writeSnapshot(join(HOST_PATH.link, LINK_FILE.wish), wish);
}

/**
 * Makes way for the device of `seawall-link`, which only that program can make, and waits for it.
 * @returns the commands that were needed; `undefined` when there was nothing to wait for
 */
async function awaitProgram(
  wish: LinkWish,
  listing: LinkListing,
  signal: AbortSignal | undefined,
): Promise<string[][] | undefined> {
  if (deviceKind(wish) !== 'tun' || isRightDevice(wish, listing)) return undefined;
  const call = signal === undefined ? {} : { signal };
  const free = ['ip', 'link', 'del', 'dev', OWN.link];
  if (listing.device !== undefined) await runCommand(free, call);
  const deadline = performance.now() + DEVICE_MS;
  for (;;) {
    const device = (await listDevices(signal)).find((one) => one.ifname === OWN.link);
    if (device?.linkinfo.info_kind === 'tun') return listing.device === undefined ? [] : [free];
    if (performance.now() > deadline) break;
    await sleep(50, undefined, call);
  }
  throw new SeawallError('refused', `${OWN.linkProgram} has not made the device ${OWN.link}`, {
    hint: `Look there: docker logs ${OWN.linkProgram}. Is it gone? Run \`seawall machine setup\`.`,
  });
}

async function underlayMtu(
  kind: LinkKind,
  address: string,
  all: readonly Device[],
  signal: AbortSignal | undefined,
): Promise<number> {
  const carrier = all.find((device) => device.addr_info.some((one) => one.local === address));
  if (carrier !== undefined) return carrier.mtu;
  if (kind === 'none') return 1500;
  // Behind address translation: WireGuard listens on every address, the packets take the default route.
  if (kind === 'wireguard') return (await defaultCarrier(all, signal))?.mtu ?? 1500;
  throw new SeawallError(
    'refused',
    `No interface of this host has the address ${address} that its link should use`,
    {
      hint: 'Give the host `address:` in seawall.yml: one of its own, reachable for the other hosts.',
    },
  );
}

async function defaultCarrier(
  all: readonly Device[],
  signal: AbortSignal | undefined,
): Promise<Device | undefined> {
  const call = signal === undefined ? {} : { signal };
  const list = routes.parse(
    JSON.parse((await runCommand(['ip', '-j', 'route', 'show', 'default'], call)) || '[]'),
  );
  return all.find((device) => device.ifname === list[0]?.dev);
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
      ...pathMtu(route),
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

const pathMtu = ({ metrics }: z.infer<typeof routes>[number]): { mtu?: number } =>
  metrics?.[0]?.mtu === undefined ? {} : { mtu: metrics[0].mtu };

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
