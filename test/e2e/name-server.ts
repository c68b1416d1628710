import { randomBytes } from 'node:crypto';
import { Resolver } from 'node:dns/promises';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { runCommand, tryCommand } from '../../lab/command.ts';
import { ensureImages } from '../../lab/images.ts';
import { bindImage } from '../../lab/recipes.ts';
import { freePorts } from './free-ports.ts';

/** A BIND on loopback with one zone, whose TXT records a key may change. */
export interface NameServer {
  readonly port: number;
  readonly zone: string;
  readonly key: { readonly name: string; readonly secret: string };
  /** Values of a TXT record, sorted. */
  readonly texts: (fqdn: string) => Promise<readonly string[]>;
}

const READY_MS = 30_000;

export async function startNameServer(t: TestContext, name: string, zone: string): Promise<NameServer> {
  await ensureImages({ images: [bindImage], say: () => {} });
  const [port = 0] = await freePorts(1);
  const key = { name: 'seawall-key', secret: randomBytes(32).toString('base64') };
  await tryCommand('docker', ['rm', '--force', name]);
  await runCommand('docker', ['create', '--name', name, '--network', 'host', bindImage]);
  t.after(() => tryCommand('docker', ['rm', '--force', name]));
  const scratch = await mkdtemp(join(tmpdir(), 'seawall-bind-'));
  try {
    await writeFile(join(scratch, 'named.conf'), configuration({ port, zone, key }));
    await writeFile(join(scratch, 'zone'), zoneFile(zone));
    await runCommand('docker', ['cp', `${scratch}/named.conf`, `${name}:/etc/bind-test/named.conf`]);
    await runCommand('docker', ['cp', `${scratch}/zone`, `${name}:/zones/zone`]);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  await runCommand('docker', ['start', name]);
  const resolver = new Resolver({ timeout: 1_000, tries: 1 });
  resolver.setServers([`127.0.0.1:${port}`]);
  const deadline = performance.now() + READY_MS;
  while ((await resolver.resolveSoa(zone).catch(() => undefined)) === undefined) {
    if (performance.now() > deadline) {
      const { stdout, stderr } = await tryCommand('docker', ['logs', '--tail', '20', name]);
      throw new Error(`${name} does not answer\n${stdout}${stderr}`);
    }
    await sleep(100);
  }
  const texts = async (fqdn: string) =>
    (await resolver.resolveTxt(fqdn).catch(() => [])).map((parts) => parts.join('')).toSorted();
  return { port, zone, key, texts };
}

const configuration = ({ port, zone, key }: Omit<NameServer, 'texts'>): string => `
options {
  directory "/zones"; recursion no; dnssec-validation no; notify no; pid-file none;
  listen-on port ${port} { 127.0.0.1; }; listen-on-v6 { none; };
};
controls { };
key "${key.name}" { algorithm hmac-sha256; secret "${key.secret}"; };
zone "${zone}" {
  type primary; file "zone"; allow-query { any; };
  update-policy { grant ${key.name} zonesub TXT; };
};
`;

const zoneFile = (zone: string): string => `$TTL 1
@ IN SOA ns.${zone}. ops.${zone}. 1 3600 600 86400 1
@ IN NS ns.${zone}.
ns IN A 127.0.0.1
`;
