import { besideLabel } from '../../lab/lab.ts';
import { pebbleImage } from '../../lab/recipes.ts';
import { freePorts } from './free-ports.ts';

export interface AcmeServerOptions {
  /** Of the container; one of that name that is there is replaced. */
  readonly name: string;
  /** A network of the outer engine and a free address in it; absent: loopback of this machine, free ports. */
  readonly network?: {
    readonly name: string;
    readonly address: string;
    /** Name of the lab that it is taken down with. */
    readonly lab?: string;
  };
  /** Where HTTP-01 is asked; absent: 80 in a network, on loopback the port at which `AcmeServer.answerHttp` answers. */
  readonly validationPort?: number;
  /** What every name without an address of its own means; default 127.0.0.1. */
  readonly address?: string;
  /** Key ids and base64url keys: accounts need one of them (RFC 8555 section 7.3.4). */
  readonly bindings?: Readonly<Record<string, string>>;
  /** Per cent of good nonces that are refused; default 5. */
  readonly nonceRejects?: number;
  /** Per cent of valid authorizations that a new order gets again; default 0. */
  readonly authorizationReuse?: number;
  /** Profile → validity in seconds. Who names none gets any of them; default `{ classic: 90 days }`. */
  readonly profiles?: Readonly<Record<string, number>>;
  /** Further roots, offered as alternates; default 0. */
  readonly alternateRoots?: number;
  /** What the server says in Retry-After of authorizations and orders, in seconds; default 1. */
  readonly retryAfterS?: number;
  /** `ADDRESS:PORT` of the name server that validations ask; absent: the one that stands beside the ACME server. */
  readonly nameServer?: string;
  /** Names that are refused with rejectedIdentifier. */
  readonly blocked?: readonly string[];
}

/** Ports in a network; on loopback they are chosen. */
export const FIXED_PORTS = {
  acme: 14000,
  management: 15000,
  challenges: 8055,
  dns: 8053,
  http: 5002,
  https: 5003,
  alpn: 5001,
};
export type Ports = typeof FIXED_PORTS;
const DAY_S = 24 * 60 * 60;

/** As {@link FIXED_PORTS}, all free on loopback. */
export async function choosePorts(): Promise<Ports> {
  const names = Object.keys(FIXED_PORTS);
  const ports = await freePorts(names.length);
  return Object.fromEntries(names.map((name, index) => [name, ports[index]])) as Ports;
}

/** Of `docker`. */
export function createArguments(options: AcmeServerOptions, host: string, ports: Ports): string[] {
  const { network, name, nonceRejects = 5, authorizationReuse = 0, alternateRoots = 0 } = options;
  const environment = {
    PEBBLE_DNS: options.nameServer ?? `${host}:${ports.dns}`,
    PEBBLE_VA_NOSLEEP: '1',
    PEBBLE_WFE_NONCEREJECT: String(nonceRejects),
    PEBBLE_AUTHZREUSE: String(authorizationReuse),
    PEBBLE_ALTERNATE_ROOTS: String(alternateRoots),
  };
  const isAnswering = network === undefined && options.validationPort === undefined;
  return [
    ...['create', '--name', name],
    ...(network?.lab === undefined ? [] : ['--label', `${besideLabel}=${network.lab}`]),
    ...(network === undefined ? ['--network', 'host'] : ['--network', network.name, '--ip', network.address]),
    ...Object.entries(environment).flatMap(([key, value]) => ['--env', `${key}=${value}`]),
    pebbleImage,
    ...['-management', `${host}:${ports.challenges}`, '-dnsserver', `${host}:${ports.dns}`, '-doh', ''],
    ...['-http01', isAnswering ? `${host}:${ports.http}` : '', '-https01', '', '-tlsalpn01', ''],
    ...['-defaultIPv4', options.address ?? '127.0.0.1', '-defaultIPv6', ''],
  ];
}

/** What Pebble reads. */
export function pebbleSettings(options: AcmeServerOptions, host: string, ports: Ports): unknown {
  const { retryAfterS = 1, profiles = { classic: 90 * DAY_S }, bindings } = options;
  return {
    pebble: {
      listenAddress: `${host}:${ports.acme}`,
      managementListenAddress: `${host}:${ports.management}`,
      certificate: '/etc/pebble/cert.pem',
      privateKey: '/etc/pebble/key.pem',
      httpPort: options.validationPort ?? (options.network === undefined ? ports.http : 80),
      tlsPort: ports.alpn,
      ocspResponderURL: '',
      externalAccountBindingRequired: bindings !== undefined,
      externalAccountMACKeys: bindings ?? {},
      domainBlocklist: options.blocked ?? [],
      retryAfter: { authz: retryAfterS, order: retryAfterS },
      keyAlgorithm: 'ecdsa',
      profiles: Object.fromEntries(
        Object.entries(profiles).map(([profile, seconds]) => [
          profile,
          { description: `${seconds} s`, validityPeriod: seconds },
        ]),
      ),
    },
  };
}
