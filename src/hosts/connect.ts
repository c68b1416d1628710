import type { HostConfig } from '../config/index.ts';
import { describeError, SeawallError } from '../errors.ts';
import { type CommandOptions, type CommandResult, run } from './command.ts';
import { Docker } from './docker.ts';
import { SshConnection } from './ssh.ts';

/** Where a TCP service of a host is reached from here; fits node:net's and the catalog client's options. */
export type TcpTarget = { readonly host: string; readonly port: number } | { readonly socketPath: string };

/** A host that was reached. */
export interface HostLink {
  readonly name: string;
  readonly address: string;
  readonly roles: HostConfig['roles'];
  readonly labels: HostConfig['labels'];
  readonly docker: Docker;
  /** Docker does not answer though the host does; only with `needsDocker: false`. */
  readonly dockerProblem?: SeawallError;
  /** This machine itself. */
  readonly local: boolean;
  /** A TCP port on the host's loopback, such as the catalog's. */
  forwardTcp(port: number): Promise<TcpTarget>;
  /** Why a forwarded port does not answer, when that is sshd's doing. */
  explainTcp?(): SeawallError | undefined;
  /** Runs a command on the host as the user who logs in. */
  exec(argv: readonly string[], options?: CommandOptions): Promise<CommandResult>;
  /** Safe to repeat. */
  close(): void;
}

export interface HostFailure {
  readonly name: string;
  readonly error: SeawallError;
}

export interface ConnectOptions {
  readonly sshConfig?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** ssh may ask on the terminal; hosts are then tried one after the other. */
  readonly interactive?: boolean;
  /** Seconds until a host that does not answer counts as away; 10 by default. */
  readonly connectTimeoutS?: number;
  /** Default true: a host whose Docker does not answer counts as failed. */
  readonly needsDocker?: boolean;
}

export interface Connections {
  /** In the order of the configuration. */
  readonly links: readonly HostLink[];
  readonly failures: readonly HostFailure[];
}

const remoteSocket = '/var/run/docker.sock';
const pingTimeoutMs = 20_000;

/** Reaches all hosts, in parallel where nobody is asked. A host that fails does not keep the others from being tried. */
export async function connectHosts(
  hosts: readonly HostConfig[],
  options: ConnectOptions = {},
): Promise<Connections> {
  const attempt = async (host: HostConfig): Promise<HostLink | HostFailure> => {
    try {
      return await connectHost(host, options);
    } catch (error) {
      return { name: host.name, error: asSeawallError(error, host.name) };
    }
  };
  const results: (HostLink | HostFailure)[] = [];
  if (options.interactive) for (const host of hosts) results.push(await attempt(host));
  else results.push(...(await Promise.all(hosts.map(attempt))));
  const links = results.filter((result) => 'docker' in result);
  if (options.signal?.aborted) {
    for (const link of links) link.close();
    throw options.signal.reason;
  }
  return { links, failures: results.filter((result) => 'error' in result) };
}

/** Reaches one host; without `ssh` that is this machine (`DOCKER_HOST` when it names a unix socket). */
export async function connectHost(host: HostConfig, options: ConnectOptions = {}): Promise<HostLink> {
  const link = host.ssh === undefined ? localLink(host) : await sshLink(host, host.ssh, options);
  const problem = await dockerProblem(link, options.signal);
  if (problem === undefined) return link;
  if (options.needsDocker === false && !options.signal?.aborted) return { ...link, dockerProblem: problem };
  link.close();
  throw problem;
}

type OpenLink = HostLink & { explain(): Promise<SeawallError | undefined> };

async function dockerProblem(
  link: OpenLink,
  signal: AbortSignal | undefined,
): Promise<SeawallError | undefined> {
  const limit = AbortSignal.timeout(pingTimeoutMs);
  try {
    await link.docker.apiVersion({ signal: signal === undefined ? limit : AbortSignal.any([signal, limit]) });
    return undefined;
  } catch (error) {
    if (error instanceof SeawallError && error.code === 'refused') return error;
    return (await link.explain()) ?? asSeawallError(error, link.name);
  }
}

function localLink(host: HostConfig): OpenLink {
  const where = { where: host.name };
  return {
    ...about(host),
    docker: new Docker(localSocket(), host.name),
    local: true,
    forwardTcp: async (port) => ({ host: '127.0.0.1', port }),
    exec: ([program = '', ...args], options) => run(program, args, { ...options, ...where }),
    close() {
      this.docker.close();
    },
    explain: async () => undefined,
  };
}

async function sshLink(host: HostConfig, destination: string, options: ConnectOptions): Promise<OpenLink> {
  const target = { name: host.name, destination, sshConfig: options.sshConfig };
  const connection = await SshConnection.open(target, options);
  try {
    const docker = new Docker(await connection.forward(remoteSocket, options), host.name);
    return {
      ...about(host),
      docker,
      local: false,
      forwardTcp: async (port) => ({ socketPath: await connection.forward(`127.0.0.1:${port}`) }),
      explainTcp: () => connection.explainForbidden(),
      exec: (argv, execOptions) => connection.exec(argv, execOptions),
      close() {
        docker.close();
        connection.close();
      },
      explain: () => connection.explain(remoteSocket, options),
    };
  } catch (error) {
    connection.close();
    throw error;
  }
}

function about({ name, address, roles, labels }: HostConfig) {
  return { name, address, roles, labels };
}

/** Path of this machine's Docker socket. Throws `input` for a DOCKER_HOST that is no unix socket. */
export function localSocket(environment: NodeJS.ProcessEnv = process.env): string {
  const host = environment.DOCKER_HOST;
  if (host === undefined || host === '') return remoteSocket;
  if (host.startsWith('unix://')) return host.slice('unix://'.length);
  throw new SeawallError('input', `DOCKER_HOST=${host} is no unix socket`, {
    hint: 'Unset DOCKER_HOST, or name the host with ssh: in seawall.yml.',
  });
}

function asSeawallError(error: unknown, name: string): SeawallError {
  if (error instanceof SeawallError) return error;
  return new SeawallError('unreachable', describeError(error), { where: name, cause: error });
}
