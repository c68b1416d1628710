import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runCommand, tryCommand } from '../../lab/command.ts';
import { ensureImages } from '../../lab/images.ts';
import { pebbleImage } from '../../lab/recipes.ts';
import { makeServerCertificate } from './acme-certificate.ts';
import {
  type AcmeServerOptions,
  choosePorts,
  createArguments,
  FIXED_PORTS,
  type Ports,
  pebbleSettings,
} from './acme-settings.ts';

const READY_TIMEOUT_MS = 30_000;

/** A running Pebble with its challenge and DNS test server, in a container of the outer engine. */
export class AcmeServer {
  readonly container: string;
  readonly host: string;
  readonly ports: Ports;
  /** PEM of the CA that the server's own HTTPS is trusted by. */
  readonly trust: string;

  private constructor(container: string, host: string, ports: Ports, trust: string) {
    this.container = container;
    this.host = host;
    this.ports = ports;
    this.trust = trust;
  }

  static async start(options: AcmeServerOptions): Promise<AcmeServer> {
    await ensureImages({ images: [pebbleImage], say: () => {} });
    const { network, name } = options;
    const host = network?.address ?? '127.0.0.1';
    const ports = network === undefined ? await choosePorts() : FIXED_PORTS;
    const { authority, certificate, key } = await makeServerCertificate(host, ['localhost', name]);
    await tryCommand('docker', ['rm', '--force', name]);
    await runCommand('docker', createArguments(options, host, ports));
    const scratch = await mkdtemp(join(tmpdir(), 'seawall-acme-'));
    try {
      await writeFile(join(scratch, 'cert.pem'), certificate);
      await writeFile(join(scratch, 'key.pem'), key);
      await writeFile(join(scratch, 'pebble.json'), JSON.stringify(pebbleSettings(options, host, ports)));
      await runCommand('docker', ['cp', `${scratch}/.`, `${name}:/etc/pebble`]);
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
    const server = new AcmeServer(name, host, ports, authority);
    await server.powerOn().catch(async (error: unknown) => {
      await server.remove();
      throw error;
    });
    return server;
  }

  get directory(): string {
    return `https://${this.host}:${this.ports.acme}/dir`;
  }

  /** Where the DNS answers, such as `10.99.0.8:53`. */
  get dns(): string {
    return `${this.host}:${this.ports.dns}`;
  }

  /** Ends both programs at once: orders, accounts and the CA's keys are lost. */
  async powerOff(): Promise<void> {
    await runCommand('docker', ['kill', this.container]);
  }

  /** Starts it again, as a new CA at the same address; returns when it answers. */
  async powerOn(): Promise<void> {
    await runCommand('docker', ['start', this.container]);
    const deadline = performance.now() + READY_TIMEOUT_MS;
    for (;;) {
      const failure = await this.#ask().then(
        () => undefined,
        (error: unknown) => error,
      );
      if (failure === undefined) return;
      if (performance.now() > deadline) {
        const { stdout, stderr } = await tryCommand('docker', ['logs', '--tail', '20', this.container]);
        throw new Error(`${this.container} does not answer\n${stdout}${stderr}`, { cause: failure });
      }
      await sleep(50);
    }
  }

  /** Freezes it: connections are taken, nothing is answered. */
  async freeze(): Promise<void> {
    await runCommand('docker', ['pause', this.container]);
  }

  async thaw(): Promise<void> {
    await runCommand('docker', ['unpause', this.container]);
  }

  /** PEM of a root that signs what is issued; index above 0: an alternate one. */
  root(index = 0): Promise<string> {
    return this.#manage(`roots/${index}`);
  }

  /** `Valid` or `Revoked`, and with which reason. */
  async status(serialHex: string): Promise<{ readonly Status: string; readonly Reason?: number }> {
    return JSON.parse(await this.#manage(`cert-status-by-serial/${serialHex}`)) as { Status: string };
  }

  /** Sets what renewalInfo says of a certificate from now on (Pebble's `set-renewal-info`). */
  async setRenewalInfo(certificatePem: string, window: { start: string; end: string }): Promise<void> {
    const ARIResponse = JSON.stringify({ suggestedWindow: window });
    const url = `https://${this.host}:${this.ports.management}/set-renewal-info/`;
    await send({ url, trust: this.trust, body: { Certificate: certificatePem, ARIResponse } });
  }

  /** Answers an HTTP-01 challenge; on loopback, without a `validationPort` only. */
  async answerHttp(token: string, content: string): Promise<void> {
    await send({ url: this.#challenges('add-http01'), body: { token, content } });
  }

  /** @param fqdn such as `_acme-challenge.example.test`, to which a value is added. */
  async addTxt(fqdn: string, value: string): Promise<void> {
    await send({ url: this.#challenges('set-txt'), body: { host: `${fqdn}.`, value } });
  }

  async clearTxt(fqdn: string): Promise<void> {
    await send({ url: this.#challenges('clear-txt'), body: { host: `${fqdn}.` } });
  }

  async setAddresses(name: string, addresses: readonly string[]): Promise<void> {
    await send({ url: this.#challenges('add-a'), body: { host: `${name}.`, addresses } });
  }

  async clearAddresses(name: string): Promise<void> {
    await send({ url: this.#challenges('clear-a'), body: { host: `${name}.` } });
  }

  logs(): Promise<string> {
    return runCommand('docker', ['logs', this.container]);
  }

  async remove(): Promise<void> {
    await tryCommand('docker', ['rm', '--force', this.container]);
  }

  /** @throws whatever says that one of the two programs is not there yet. */
  async #ask(): Promise<void> {
    await send({ url: this.directory, trust: this.trust });
    await send({ url: this.#challenges('clear-txt'), body: { host: 'ready.' } });
  }

  #challenges(action: string): string {
    return `http://${this.host}:${this.ports.challenges}/${action}`;
  }

  #manage(path: string): Promise<string> {
    return send({ url: `https://${this.host}:${this.ports.management}/${path}`, trust: this.trust });
  }
}

/** GET, or POST of JSON; the body of an answer of status 200. */
function send(to: { url: string; trust?: string; body?: unknown }): Promise<string> {
  const { url, trust, body } = to;
  const open = trust === undefined ? requestHttp : requestHttps;
  const tls = trust === undefined ? {} : { ca: trust };
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(10_000);
    const options = {
      method: body === undefined ? 'GET' : 'POST',
      headers: { 'User-Agent': 'seawall-test' },
    };
    const call = open(url, { ...options, signal, ...tls }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('error', reject);
      answer.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        if (answer.statusCode === 200) resolve(text);
        else reject(new Error(`${url} answered ${answer.statusCode}: ${text}`));
      });
    });
    call.on('error', reject);
    call.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
