import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Docker, DockerError, HostLink } from '../hosts/index.ts';
import { type ImageArchive, spoolImage } from './archive.ts';
import { type PlainLayer, plainLayers } from './plain-layers.ts';
import { registryOf } from './registry-auth.ts';

/** A host and a registry that the host could not reach; a second try would only wait again. */
export const routeKey = (link: HostLink, reference: string) => `${link.name} ${registryOf(reference)}`;

/** Saves each image of an engine once, however many hosts it goes to; removed with the folder. */
export class Spool {
  readonly #folder: string;
  readonly #archives = new Map<string, Promise<ImageArchive>>();
  readonly #layers = new Map<string, Promise<readonly PlainLayer[]>>();
  /** Pulls that failed because the registry did not answer, by host and registry. */
  readonly unreachable = new Map<string, DockerError>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** @param id of the image in that engine, however many names it has. */
  archive(docker: Docker, id: string, signal: AbortSignal | undefined): Promise<ImageArchive> {
    const key = `${docker.socketPath} ${id}`;
    const known = this.#archives.get(key);
    if (known !== undefined) return known;
    const file = join(this.#folder, `${this.#archives.size}.tar`);
    const made = spoolImage(docker, id, file, { signal });
    this.#archives.set(key, made);
    return made;
  }

  layers(archive: ImageArchive): Promise<readonly PlainLayer[]> {
    const known = this.#layers.get(archive.file) ?? plainLayers(archive);
    this.#layers.set(archive.file, known);
    return known;
  }

  async remove(): Promise<void> {
    await Promise.allSettled([...this.#archives.values(), ...this.#layers.values()]);
    await rm(this.#folder, { recursive: true, force: true });
  }
}
