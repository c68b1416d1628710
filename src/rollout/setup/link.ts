import type { ClusterFile, ClusterHost, LinkKind } from '../../cluster.ts';
import { HOST_PATH } from '../../cluster.ts';
import type { NetworkConfig } from '../../config/index.ts';
import { SeawallError } from '../../errors.ts';
import { type HostLink, runHelper } from '../../hosts/index.ts';
import { decideLink, obviousLink, type WireguardSupport } from './decide-link.ts';

/** The link that a cluster is to have. */
export interface SettledLink {
  readonly kind: LinkKind;
  /** UDP; absent: the usual one of its kind. */
  readonly port?: number | undefined;
  /** Hosts whose kernel has no WireGuard. */
  readonly inUserSpace: readonly string[];
  /** Host → its public key; of the hosts at hand, and with WireGuard only. */
  readonly keys: Readonly<Record<string, string>>;
}

/** Host → id of the agent image in its own store. */
type Images = Readonly<Record<string, string>>;

/**
 * Decides the link, and for WireGuard makes every host a key where it has none.
 * @throws SeawallError `refused` when the hosts cannot have such a link.
 */
export async function settleLink(options: {
  readonly config: NetworkConfig;
  readonly links: readonly HostLink[];
  /** Hosts that the cluster has already, also those that are not at hand. */
  readonly known: readonly ClusterHost[];
  readonly former: ClusterFile | undefined;
  readonly images: Images;
  readonly signal: AbortSignal;
}): Promise<SettledLink> {
  const { config, links, known, former, images, signal } = options;
  const absent = known.filter(({ name }) => !links.some((link) => link.name === name));
  const question = { wish: config.link, hosts: [...links, ...absent], former: former?.link };
  const kind = obviousLink(question);
  const port = config.port ?? (kind === former?.link ? former?.linkPort : undefined);
  if (kind !== undefined && kind !== 'wireguard') return { kind, port, inUserSpace: [], keys: {} };
  const each = async <T>(ask: (link: HostLink, image: string) => Promise<T>) =>
    Object.fromEntries(
      await Promise.all(
        links.map(async (link) => [link.name, await ask(link, images[link.name] ?? '')] as const),
      ),
    );
  const support = await each((link, image) => wireguardSupport(link, image, signal));
  const decided = decideLink(question, support);
  const settledPort = config.port ?? (decided === former?.link ? former?.linkPort : undefined);
  if (decided !== 'wireguard') return { kind: decided, port: settledPort, inUserSpace: [], keys: {} };
  refuseAbsent(absent);
  return {
    kind: decided,
    port: settledPort,
    inUserSpace: links.map(({ name }) => name).filter((name) => support[name] === 'user space'),
    keys: await each((link, image) => ensureKey(link, image, signal)),
  };
}

/** A host that cannot be asked for a key would be cut off. */
function refuseAbsent(absent: readonly ClusterHost[]): void {
  const names = absent.filter(({ publicKey }) => publicKey === undefined).map(({ name }) => name);
  if (names.length === 0) return;
  throw new SeawallError(
    'refused',
    `the link cannot become WireGuard without ${names.join(', ')}, which seawall.yml does not name`,
    { where: 'hosts', hint: 'The link is changed on all hosts of a cluster at once: name them all.' },
  );
}

/** In a network of its own, so that the host notices nothing; the kernel loads the module where it has one. */
const supportScript = `
const { spawnSync } = require('node:child_process');
const { status } = spawnSync('ip', ['link', 'add', 'probe', 'type', 'wireguard']);
const hasTun = require('node:fs').existsSync('/host/dev/net/tun');
process.stdout.write(status === 0 ? 'kernel' : hasTun ? 'user space' : 'none');
`;

async function wireguardSupport(
  { docker }: HostLink,
  image: string,
  signal: AbortSignal,
): Promise<WireguardSupport> {
  const hostConfig = { NetworkMode: 'none', CapAdd: ['NET_ADMIN'], Binds: ['/dev:/host/dev:ro'] };
  const said = await runHelper(docker, supportScript, { image, signal, hostConfig });
  return said === 'kernel' || said === 'user space' ? said : 'none';
}

/** Prints the public half (RFC 7748, X25519) of the host's key, which is made when there is none and never printed. */
const keyScript = `
const fs = require('node:fs');
const crypto = require('node:crypto');
const folder = '/host${HOST_PATH.link}';
const path = folder + '/private.key';
fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
fs.chmodSync(folder, 0o700);
const head = Buffer.from('302e020100300506032b656e04220420', 'hex');
if (!fs.existsSync(path)) {
  const { privateKey } = crypto.generateKeyPairSync('x25519');
  const raw = privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(head.length);
  fs.rmSync(path + '.new', { force: true });
  const file = fs.openSync(path + '.new', 'wx', 0o600);
  fs.writeSync(file, raw.toString('base64') + '\\n');
  fs.fsyncSync(file);
  fs.closeSync(file);
  fs.renameSync(path + '.new', path);
}
const raw = Buffer.from(fs.readFileSync(path, 'utf8'), 'base64');
const key = crypto.createPrivateKey({ key: Buffer.concat([head, raw]), format: 'der', type: 'pkcs8' });
const spki = crypto.createPublicKey(key).export({ format: 'der', type: 'spki' });
process.stdout.write(spki.subarray(-32).toString('base64'));
`;

/** @returns the public key, base64. The private one stays on the host, root, 0600. */
async function ensureKey({ docker, name }: HostLink, image: string, signal: AbortSignal): Promise<string> {
  const hostConfig = { Binds: ['/var/lib:/host/var/lib:rw'] };
  const key = (await runHelper(docker, keyScript, { image, signal, hostConfig })).trim();
  if (/^[A-Za-z0-9+/]{43}=$/.test(key)) return key;
  throw new SeawallError('refused', `the host's key for WireGuard is damaged`, {
    where: name,
    hint: `Remove ${HOST_PATH.link}/private.key there and run seawall machine setup again.`,
  });
}
