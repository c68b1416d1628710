import type { Duplex, Readable } from 'node:stream';
import {
  type ExecOptions,
  type ExecResult,
  type InteractiveExec,
  type InteractiveOptions,
  openExec,
  runExec,
  type TerminalSize,
} from './docker-exec.ts';
import { DockerHttp } from './docker-http.ts';
import { loadImages, type PullOptions, pullImage, withTag } from './docker-images.ts';
import type { AttachOptions, CallOptions, ListContainersOptions, LogOptions } from './docker-options.ts';
import { asTerminal, demultiplex, jsonLines, type LogLine, logLines } from './docker-stream.ts';
import type {
  ContainerInfo,
  ContainerSummary,
  CreateContainerBody,
  CreateNetworkBody,
  CreateVolumeBody,
  DockerEvent,
  EndpointConfig,
  Filters,
  ImageInfo,
  ImageSummary,
  NetworkInfo,
  SystemInfo,
  VersionInfo,
  VolumeInfo,
} from './docker-types.ts';

/**
 * A client of one Docker Engine (API 1.41 to 1.51) over a unix socket, local or forwarded. Throws `DockerError` when
 * Docker refuses, `SeawallError('unreachable')` when it does not answer, `timeout` when it answers too late.
 */
export class Docker {
  readonly #http: DockerHttp;

  /** @param where names the host in errors. */
  constructor(socketPath: string, where = 'this machine') {
    this.#http = new DockerHttp(socketPath, where);
  }

  get socketPath(): string {
    return this.#http.socketPath;
  }

  /** Lets go of kept connections. */
  close(): void {
    this.#http.close();
  }

  /** Negotiated API version, such as `1.41`. */
  apiVersion(options: CallOptions = {}): Promise<string> {
    return this.#http.apiVersion(options.signal);
  }

  async ping(options: CallOptions = {}): Promise<void> {
    await this.#http.text({ path: '/_ping', ...options });
  }

  version(options: CallOptions = {}): Promise<VersionInfo> {
    return this.#http.json({ path: '/version', ...options });
  }

  info(options: CallOptions = {}): Promise<SystemInfo> {
    return this.#http.json({ path: '/info', ...options });
  }

  listContainers(options: ListContainersOptions = {}): Promise<readonly ContainerSummary[]> {
    const filters = {
      ...options.filters,
      ...(options.labels === undefined ? {} : { label: options.labels }),
    };
    const query = { all: options.all ?? false, filters: JSON.stringify(filters) };
    return this.#http.json({ path: '/containers/json', query, signal: options.signal });
  }

  inspectContainer(id: string, options: CallOptions = {}): Promise<ContainerInfo> {
    return this.#http.json({ path: `${containerPath(id)}/json`, ...options });
  }

  /**
   * A call that is cut off does not keep the engine from making the container: the answer is waited for, and nothing is left
   * behind when the signal came meanwhile.
   * @returns the new container's id.
   */
  async createContainer(
    name: string,
    body: CreateContainerBody,
    { signal, platform }: CallOptions & { readonly platform?: string } = {},
  ): Promise<string> {
    signal?.throwIfAborted();
    const query = { name, platform };
    const { Id } = await this.#http.json<{ Id: string }>({
      method: 'POST',
      path: '/containers/create',
      query,
      body,
    });
    if (!signal?.aborted) return Id;
    await this.removeContainer(Id, { force: true, volumes: true });
    throw signal.reason;
  }

  /** A container that runs already is no error. */
  async startContainer(id: string, options: CallOptions = {}): Promise<void> {
    await this.#http.text({ method: 'POST', path: `${containerPath(id)}/start`, accept: [304], ...options });
  }

  /** SIGTERM (or the container's own stop signal), after `graceMs` SIGKILL. One that stands still is no error. */
  async stopContainer(id: string, graceMs: number, options: CallOptions = {}): Promise<void> {
    const seconds = Math.ceil(graceMs / 1000);
    await this.#http.text({
      method: 'POST',
      path: `${containerPath(id)}/stop`,
      query: { t: seconds },
      timeoutMs: seconds * 1000 + 30_000,
      accept: [304],
      ...options,
    });
  }

  async killContainer(id: string, unixSignal: string, options: CallOptions = {}): Promise<void> {
    const query = { signal: unixSignal };
    await this.#http.text({ method: 'POST', path: `${containerPath(id)}/kill`, query, ...options });
  }

  async restartContainer(id: string, graceMs: number, options: CallOptions = {}): Promise<void> {
    const seconds = Math.ceil(graceMs / 1000);
    const timeoutMs = seconds * 1000 + 60_000;
    const query = { t: seconds };
    await this.#http.text({
      method: 'POST',
      path: `${containerPath(id)}/restart`,
      query,
      timeoutMs,
      ...options,
    });
  }

  /** Throws `isNotFound` when there is none. `volumes` removes its anonymous volumes. */
  async removeContainer(
    id: string,
    options: CallOptions & { readonly force?: boolean; readonly volumes?: boolean } = {},
  ): Promise<void> {
    const query = { force: options.force ?? false, v: options.volumes ?? false };
    await this.#http.text({ method: 'DELETE', path: containerPath(id), query, signal: options.signal });
  }

  async renameContainer(id: string, name: string, options: CallOptions = {}): Promise<void> {
    await this.#http.text({
      method: 'POST',
      path: `${containerPath(id)}/rename`,
      query: { name },
      ...options,
    });
  }

  /** Waits without limit. @returns the exit code. */
  async waitContainer(
    id: string,
    options: CallOptions & { readonly condition?: 'not-running' | 'next-exit' | 'removed' } = {},
  ): Promise<number> {
    const query = { condition: options.condition ?? 'not-running' };
    const request = { method: 'POST', path: `${containerPath(id)}/wait`, query, timeoutMs: 0 } as const;
    const result = await this.#http.json<{ StatusCode: number }>({ ...request, signal: options.signal });
    return result.StatusCode;
  }

  /** The container's output line by line; ends with the log, with `follow` when the container or the signal ends. */
  async *containerLogs(id: string, options: LogOptions = {}): AsyncGenerator<LogLine> {
    const { Config } = await this.inspectContainer(id, { signal: options.signal });
    const timestamps = options.timestamps ?? false;
    const { since, until } = options;
    const query = {
      stdout: true,
      stderr: true,
      follow: options.follow ?? false,
      tail: options.tail ?? 'all',
      timestamps,
      since,
      until,
    };
    const source = await this.#http.open({
      path: `${containerPath(id)}/logs`,
      query,
      signal: options.signal,
    });
    const chunks = Config.Tty ? asTerminal(source) : demultiplex(source);
    yield* endOnAbort(logLines(chunks, { timestamps, framed: !Config.Tty }), options.signal);
  }

  /** Runs a program in a running container and waits for its end. */
  exec(id: string, argv: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
    return runExec(this.#http, id, argv, options);
  }

  /** Starts a program in a running container with its streams attached. */
  execInteractive(
    id: string,
    argv: readonly string[],
    options: InteractiveOptions,
  ): Promise<InteractiveExec> {
    return openExec(this.#http, id, argv, options);
  }

  /** A container's own input and output; attach before the start to miss nothing. Without a tty use `demultiplex`. */
  attachContainer(id: string, options: AttachOptions = {}): Promise<Duplex> {
    const query = {
      stream: true,
      stdout: true,
      stderr: true,
      stdin: options.stdin ?? false,
      logs: options.logs ?? false,
    };
    return this.#http.hijack({
      method: 'POST',
      path: `${containerPath(id)}/attach`,
      query,
      signal: options.signal,
    });
  }

  async resizeContainer(id: string, size: TerminalSize, options: CallOptions = {}): Promise<void> {
    const query = { h: size.rows, w: size.columns };
    await this.#http.text({ method: 'POST', path: `${containerPath(id)}/resize`, query, ...options });
  }

  /**
   * What happens on the engine, until the signal ends it (then it returns) or the connection does (then it throws); with
   * `until`, a time by the host's clock, to that time.
   */
  async *events(
    options: CallOptions & {
      readonly since?: number | string;
      readonly until?: number | string;
      readonly filters?: Filters;
    } = {},
  ): AsyncGenerator<DockerEvent> {
    const query = {
      since: options.since,
      until: options.until,
      filters: JSON.stringify(options.filters ?? {}),
    };
    const source = await this.#http.open({ path: '/events', query, signal: options.signal });
    yield* endOnAbort(jsonLines<DockerEvent>(source), options.signal);
  }

  listNetworks(options: CallOptions & { readonly filters?: Filters } = {}): Promise<readonly NetworkInfo[]> {
    const query = { filters: JSON.stringify(options.filters ?? {}) };
    return this.#http.json({ path: '/networks', query, signal: options.signal });
  }

  inspectNetwork(name: string, options: CallOptions = {}): Promise<NetworkInfo> {
    return this.#http.json({ path: `/networks/${encodeURIComponent(name)}`, ...options });
  }

  /** Throws `isConflict` when the name is taken. @returns the network's id. */
  async createNetwork(body: CreateNetworkBody, options: CallOptions = {}): Promise<string> {
    // Older engines allow two networks of one name unless told otherwise.
    const request = {
      method: 'POST',
      path: '/networks/create',
      body: { CheckDuplicate: true, ...body },
    } as const;
    return (await this.#http.json<{ Id: string }>({ ...request, ...options })).Id;
  }

  async removeNetwork(name: string, options: CallOptions = {}): Promise<void> {
    await this.#http.text({ method: 'DELETE', path: `/networks/${encodeURIComponent(name)}`, ...options });
  }

  async connectNetwork(
    network: string,
    container: string,
    endpoint: EndpointConfig = {},
    options: CallOptions = {},
  ): Promise<void> {
    const path = `/networks/${encodeURIComponent(network)}/connect`;
    const body = { Container: container, EndpointConfig: endpoint };
    await this.#http.text({ method: 'POST', path, body, ...options });
  }

  async disconnectNetwork(
    network: string,
    container: string,
    options: CallOptions & { readonly force?: boolean } = {},
  ): Promise<void> {
    const path = `/networks/${encodeURIComponent(network)}/disconnect`;
    const body = { Container: container, Force: options.force ?? false };
    await this.#http.text({ method: 'POST', path, body, signal: options.signal });
  }

  async listVolumes(
    options: CallOptions & { readonly filters?: Filters } = {},
  ): Promise<readonly VolumeInfo[]> {
    const query = { filters: JSON.stringify(options.filters ?? {}) };
    const request = { path: '/volumes', query, signal: options.signal };
    return (await this.#http.json<{ Volumes: readonly VolumeInfo[] | null }>(request)).Volumes ?? [];
  }

  inspectVolume(name: string, options: CallOptions = {}): Promise<VolumeInfo> {
    return this.#http.json({ path: `/volumes/${encodeURIComponent(name)}`, ...options });
  }

  /** One that exists with the same driver is returned as it is. */
  createVolume(body: CreateVolumeBody, options: CallOptions = {}): Promise<VolumeInfo> {
    return this.#http.json({ method: 'POST', path: '/volumes/create', body, ...options });
  }

  async removeVolume(name: string, options: CallOptions = {}): Promise<void> {
    await this.#http.text({ method: 'DELETE', path: `/volumes/${encodeURIComponent(name)}`, ...options });
  }

  /** `sharedSize` has the engine find out what images share, which takes its time. */
  listImages(
    options: CallOptions & { readonly filters?: Filters; readonly sharedSize?: boolean } = {},
  ): Promise<readonly ImageSummary[]> {
    const shared = options.sharedSize === true ? { 'shared-size': true } : {};
    const query = { filters: JSON.stringify(options.filters ?? {}), ...shared };
    return this.#http.json({ path: '/images/json', query, signal: options.signal });
  }

  /** @param reference a name with tag or digest, or an id. Throws `isNotFound`. */
  inspectImage(reference: string, options: CallOptions = {}): Promise<ImageInfo> {
    return this.#http.json({ path: `/images/${reference}/json`, ...options });
  }

  pullImage(reference: string, options: PullOptions = {}): Promise<void> {
    return pullImage(this.#http, reference, options);
  }

  /** Loads a tar of `docker save`. @returns names or ids of what was loaded. */
  loadImages(archive: Readable, options: CallOptions = {}): Promise<readonly string[]> {
    return loadImages(this.#http, archive, options);
  }

  /** A tar of the images in the layout of the engine's `docker save`. */
  saveImages(references: readonly string[], options: CallOptions = {}): Promise<Readable> {
    return this.#http.open({ path: '/images/get', query: { names: references }, timeoutMs: 0, ...options });
  }

  /** @param name repository and tag, such as `seawall/polls-web:abc`; `latest` without a tag. */
  async tagImage(reference: string, name: string, options: CallOptions = {}): Promise<void> {
    const full = withTag(name);
    const colon = full.lastIndexOf(':');
    const query = { repo: full.slice(0, colon), tag: full.slice(colon + 1) };
    await this.#http.text({ method: 'POST', path: `/images/${reference}/tag`, query, ...options });
  }

  /** Removes the name, and the image when it was its last and no container uses it (`isConflict` when one does). */
  async removeImage(
    reference: string,
    options: CallOptions & { readonly force?: boolean } = {},
  ): Promise<void> {
    const query = { force: options.force ?? false };
    await this.#http.text({ method: 'DELETE', path: `/images/${reference}`, query, signal: options.signal });
  }

  /** Unpacks a tar into a folder of a container, which need not run. */
  async putArchive(id: string, folder: string, archive: Readable, options: CallOptions = {}): Promise<void> {
    const query = { path: folder };
    const request = { method: 'PUT', path: `${containerPath(id)}/archive`, query, timeoutMs: 0 } as const;
    await this.#http.text({ ...request, stream: archive, ...options });
  }

  /** A tar of a file or folder of a container. Throws `isNotFound`. */
  getArchive(id: string, path: string, options: CallOptions = {}): Promise<Readable> {
    return this.#http.open({ path: `${containerPath(id)}/archive`, query: { path }, ...options });
  }
}

function containerPath(id: string): string {
  return `/containers/${encodeURIComponent(id)}`;
}

async function* endOnAbort<T>(source: AsyncIterable<T>, signal: AbortSignal | undefined): AsyncGenerator<T> {
  try {
    yield* source;
  } catch (error) {
    if (!signal?.aborted) throw error;
  }
}
