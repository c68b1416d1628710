import type { HostLink } from '../hosts/index.ts';
import { orderHost } from './host-order.ts';
import { type ImageIdentity, type Inventory, imageStore, takeInventory } from './inventory.ts';
import type { Looked } from './staging/orders.ts';

/** What hosts hold, asked for once and kept up while images come. */
export class HostBook {
  readonly #inventories = new Map<string, Promise<Inventory>>();
  readonly #stores = new Map<string, Promise<Inventory['store']>>();
  readonly #looks = new Map<string, Promise<Looked>>();
  readonly #project: string;
  readonly #signal: AbortSignal | undefined;

  constructor(project: string, signal: AbortSignal | undefined) {
    this.#project = project;
    this.#signal = signal;
  }

  inventory(link: HostLink): Promise<Inventory> {
    return kept(this.#inventories, link.name, () => takeInventory(link.docker, { signal: this.#signal }));
  }

  /** Asked for by itself: a listing of all images takes much longer. */
  store(link: HostLink): Promise<Inventory['store']> {
    return kept(this.#stores, link.name, async () =>
      imageStore(await link.docker.info({ signal: this.#signal })),
    );
  }

  /** Room and waiting layers of a host that has Seawall's agent. */
  look(link: HostLink): Promise<Looked> {
    const order = { kind: 'look', project: this.#project } as const;
    return kept(this.#looks, link.name, () => orderHost(link, order, { signal: this.#signal }));
  }

  lookAgain(link: HostLink): Promise<Looked> {
    this.#looks.delete(link.name);
    return this.look(link);
  }

  /** An image came to a host, with `id` in its store; nothing waits there any more. */
  async arrived(link: HostLink, { configDigest: _, ...image }: ImageIdentity): Promise<void> {
    const { images, store } = await this.inventory(link);
    const told = store === 'classic' ? { ...image, configDigest: image.id } : image;
    this.#inventories.set(link.name, Promise.resolve({ images: [...images, told], store }));
    this.#looks.delete(link.name);
  }
}

function kept<T>(map: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
