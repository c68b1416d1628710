/** What the tests of HTTPS share: one lab with two edges, an ACME server with its rehearsal twin, and small projects on it. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after } from 'node:test';
import { bringUpLab } from '../../../lab/boot.ts';
import { guestAddress } from '../../../lab/guests.ts';
import { findHost } from '../../../lab/hosts.ts';
import { ensureImages } from '../../../lab/images.ts';
import { type Lab, stateFolder } from '../../../lab/lab.ts';
import { pebbleImage } from '../../../lab/recipes.ts';
import { labName, labsFolder } from '../../lab-name.ts';
import { AcmeServer } from '../acme-server.ts';
import type { AcmeServerOptions } from '../acme-settings.ts';
import { Catalog } from './catalog.ts';
import { Dns } from './dns.ts';
import { type Finished, onHost, useResolver } from './host.ts';
import { EDGES, Project, type ProjectOptions } from './project.ts';

/**
 * The last parts of the addresses of guests. Each test file has ACME servers of its own, at addresses of their own: a
 * directory whose accounts are gone is no test of anything else.
 */
const FIRST_GUEST = 100;
const FILES = [
  'first',
  'renewal',
  'issuers',
  'leader',
  'commands',
  'certbot',
  'grade',
  'upgrade',
  'proxy',
  'clock',
  'bench',
  'metrics',
];

export class TlsStage {
  readonly lab: Lab;
  readonly name: string;
  readonly dns: Dns;
  /** What issues certificates that count. */
  readonly acme: AcmeServer;
  /** Where orders are rehearsed. */
  readonly staging: AcmeServer;
  readonly catalog: Catalog;
  readonly folder: string;
  readonly #servers: AcmeServer[] = [];
  readonly #run = randomBytes(3).toString('hex');

  private constructor(lab: Lab, name: string, dns: Dns, acme: AcmeServer, staging: AcmeServer) {
    this.lab = lab;
    this.dns = dns;
    this.name = name;
    this.acme = acme;
    this.staging = staging;
    this.folder = join(lab.stateDir, 'projects', name);
    this.catalog = new Catalog(lab);
    this.#servers.push(acme, staging);
  }

  /** @param name of the test file */
  static async open(name: string, options: Partial<AcmeServerOptions> = {}): Promise<TlsStage> {
    const lab = await bringUpLab({
      name: labName('tls'),
      hosts: 3,
      foreign: true,
      stateDir: stateFolder(labsFolder, 'tls'),
      say: () => undefined,
    });
    await ensureImages({ images: [pebbleImage], say: () => undefined });
    const dns = await Dns.start(lab);
    const asked = { ...options, nameServer: dns.resolver };
    const acme = await startAcme(lab, name, 0, asked);
    const staging = await startAcme(lab, name, 1, asked);
    const stage = new TlsStage(lab, name, dns, acme, staging);
    after(() => stage.#close());
    rmSync(stage.folder, { recursive: true, force: true });
    mkdirSync(stage.folder, { recursive: true });
    await Promise.all(EDGES.map((host) => useResolver(lab, host, dns.address)));
    return stage;
  }

  /** A further ACME server that asks the same DNS. */
  async issuer(turn: number, options: Partial<AcmeServerOptions> = {}): Promise<AcmeServer> {
    const server = await startAcme(this.lab, this.name, 1 + turn, {
      ...options,
      nameServer: this.dns.resolver,
    });
    this.#servers.push(server);
    return server;
  }

  /** The address of a guest of this test file: `turn` 5 to 9. */
  guest(turn: number): { readonly number: number; readonly address: string } {
    const number = guestNumber(this.name, turn);
    return { number, address: guestAddress(this.lab, number) };
  }

  address(host: string): string {
    return findHost(this.lab, host).address;
  }

  /** Addresses of the edges. */
  get edges(): readonly string[] {
    return EDGES.map((host) => this.address(host));
  }

  onHost(host: string, line: string): Promise<Finished> {
    return onHost(this.lab, host, line);
  }

  /** Has names mean both edges, or other addresses. */
  resolve(names: readonly string[], addresses: readonly string[] = this.edges): Promise<void> {
    return this.dns.resolve(names, addresses);
  }

  project(options: ProjectOptions): Project {
    const project = new Project(this, options);
    after(() => project.down());
    return project;
  }

  /** A public domain of this run alone: certificates of an earlier one, by a CA that is gone, would still be served. */
  domain(name: string): string {
    return `${name}.${this.#run}.example.net`;
  }

  /** A file in the stage's folder; its path. */
  write(name: string, text: string): string {
    const file = join(this.folder, name);
    writeFileSync(file, text, { mode: 0o600 });
    return file;
  }

  /** `issuers:` of seawall.yml for this stage. */
  issuers(more: Readonly<Record<string, unknown>> = {}): readonly object[] {
    return [this.issuerOf(this.acme, { staging: this.staging.directory, ...more })];
  }

  /** An entry of `issuers:` for one server. Both servers' own HTTPS is trusted by the file. */
  issuerOf(server: AcmeServer, more: Readonly<Record<string, unknown>> = {}): object {
    const trusts = this.#servers.map(({ trust }) => trust).join('\n');
    return { directory: server.directory, ca: this.write(`acme-${server.host}.pem`, trusts), ...more };
  }

  async #close(): Promise<void> {
    for (const server of this.#servers) await server.remove();
  }
}

const guestNumber = (file: string, turn: number): number => {
  const at = FILES.indexOf(file);
  if (at < 0 || turn > 9) throw new Error(`no addresses are kept for guest ${turn} of ${file}`);
  return FIRST_GUEST + 10 * at + turn;
};

async function startAcme(
  lab: Lab,
  file: string,
  turn: number,
  options: Partial<AcmeServerOptions>,
): Promise<AcmeServer> {
  const address = guestAddress(lab, guestNumber(file, turn));
  const name = `${lab.network}-guest-${file}-acme${turn}`;
  return AcmeServer.start({
    ...options,
    name,
    network: { name: lab.network, address, lab: lab.name },
  });
}
