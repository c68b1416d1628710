/** The DNS of the lab: what hosts and ACME servers ask for names. Pebble's test server, a guest that stays as long as the lab. */
import { tryCommand } from '../../../lab/command.ts';
import { guestAddress, guestContainer, startGuest } from '../../../lab/guests.ts';
import type { Lab } from '../../../lab/lab.ts';
import { pebbleImage } from '../../../lab/recipes.ts';

const NUMBER = 99;
const PORT = 53;
const MANAGEMENT = 8055;

export class Dns {
  readonly address: string;

  private constructor(address: string) {
    this.address = address;
  }

  /** Starts it unless it runs. A name that nobody set has no address. */
  static async start(lab: Lab): Promise<Dns> {
    const address = guestAddress(lab, NUMBER);
    const off = ['-doh', '', '-http01', '', '-https01', '', '-tlsalpn01', ''];
    const settings = ['-defaultIPv4', '', '-defaultIPv6', '', '-dnsserver', `:${PORT}`];
    const running = ['inspect', '--format', '{{.State.Running}}', guestContainer(lab, 'dns')];
    if ((await tryCommand('docker', running)).stdout.trim() !== 'true')
      await startGuest(lab, {
        name: 'dns',
        image: pebbleImage,
        number: NUMBER,
        entrypoint: 'pebble-challtestsrv',
        args: [...off, ...settings, '-management', `:${MANAGEMENT}`],
      });
    return new Dns(address);
  }

  /** `ADDRESS:PORT` */
  get resolver(): string {
    return `${this.address}:${PORT}`;
  }

  /** Where records are changed: `POST /set-txt` with `{ host, value }` and so on. */
  get management(): string {
    return `http://${this.address}:${MANAGEMENT}`;
  }

  /** Has names mean these addresses; none: the names are not there. */
  async resolve(names: readonly string[], addresses: readonly string[]): Promise<void> {
    for (const name of names) {
      await this.#post('clear-a', { host: `${name}.` });
      if (addresses.length > 0) await this.#post('add-a', { host: `${name}.`, addresses });
    }
  }

  async #post(action: string, body: object): Promise<void> {
    const answer = await fetch(`${this.management}/${action}`, {
      method: 'POST',
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(10_000),
    });
    if (!answer.ok) throw new Error(`the DNS answered ${answer.status} to ${action}`);
  }
}
