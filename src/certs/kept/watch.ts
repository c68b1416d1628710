import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CatalogClient, HeldKey } from '../../catalog/index.ts';
import { KEY } from '../../catalog/record.ts';
import type { KeptAcknowledgement } from '../../catalog/tls-record.ts';
import { type ClusterFile, HOST_PATH } from '../../cluster.ts';
import { describeError } from '../../errors.ts';
import { folderNames } from '../../folder-names.ts';
import { sha256 } from '../../hash.ts';
import { type Docker, isNotFound } from '../../hosts/index.ts';
import { isServiceCertificate, type KeptCertificate, parseKept } from '../../kept-certificate.ts';
import { LABEL } from '../../labels.ts';
import { reportOnce } from '../../report-once.ts';
import { Wake } from '../../wake.ts';
import { type FolderContent, folderContent } from './files.ts';
import { removeServiceFolder, writeFolder } from './folder.ts';
import { KeptHeard } from './heard.ts';
import { staleReplicas } from './served.ts';
import { tellReaders } from './tell.ts';
import { Told } from './told.ts';

/** What is done to a host; in tests a part of it. */
export interface KeptHands {
  readonly write: (kept: KeptCertificate, content: FolderContent) => Promise<void>;
  readonly tell: (kept: KeptCertificate) => Promise<readonly string[]>;
  /** Containers that serve with another certificate than the one with this fingerprint. */
  readonly stale: (id: string, fingerprint: string) => Promise<readonly string[]>;
  /** Takes the folder of a service away once no replica mounts it. @returns whether it is gone. */
  readonly remove: (id: string) => Promise<boolean>;
}

export interface KeptOptions {
  readonly cluster: Pick<ClusterFile, 'key' | 'host'>;
  readonly client: ConstructorParameters<typeof HeldKey>[0] & Pick<CatalogClient, 'kvGet'>;
  /** Of the agent, on the disk. */
  readonly stateFolder: string;
  readonly hands: KeptHands;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
  /** Default `/etc/seawall/certificates`. */
  readonly settingsFolder?: string;
  /** Milliseconds between two looks at it; default 1000. */
  readonly lookMs?: number;
  /** Milliseconds after which programs should serve with what is new; default 10 minutes. */
  readonly staleMs?: number;
}

const LOOK_MS = 1_000;
/** Between two times that a folder is written though nothing changed: somebody may have changed it by hand. */
const REPEAT_MS = 60 * 60_000;
/** Programs that look for new files themselves do so every few minutes at the most; also between two looks at them. */
const STALE_MS = 10 * 60_000;
/** After a failure, doubled each time. */
const REST_MS = { first: 2_000, most: 5 * 60_000 };
const SESSION_TTL_MS = 10_000;

/** How one folder stands. */
interface Standing {
  /** Version that lies there, as far as this run wrote it. */
  version?: string;
  fingerprint?: string;
  /** SHA-256 of the settings that it was written by. */
  settings?: string;
  /** Of those of the last attempt: what was mended is tried at once. */
  tried?: string;
  problem?: string;
  stale?: readonly string[];
  /** performance.now() of the next look at what is served with it. */
  staleAt: number;
  failures: number;
  /** performance.now() of the next look. */
  nextAt: number;
}

/** @returns what does its work on this host. */
export function keptHands(
  docker: Parameters<typeof writeFolder>[2]['docker'] &
    Pick<Docker, 'listContainers' | 'killContainer' | 'restartContainer'>,
  signal: AbortSignal,
): KeptHands {
  return {
    write: (kept, content) => writeFolder(kept, content, { docker, signal }),
    tell: (kept) => tellReaders(kept, docker, signal),
    stale: (id, fingerprint) => staleReplicas(id, fingerprint, docker, signal),
    remove: async (id) => {
      const users = await docker.listContainers({
        all: true,
        labels: [`${LABEL.certificate}=${id}`],
        signal,
      });
      if (users.length > 0) return false;
      await removeServiceFolder(id, { docker, signal });
      return true;
    },
  };
}

/** Keeps certificates in folders of this host. @returns once the signal is aborted. */
export async function watchKept(options: KeptOptions): Promise<void> {
  const { client, cluster, signal, log, stateFolder, lookMs = LOOK_MS } = options;
  const onError = reportOnce((text) => log(`warn kept certificates: ${text}`)).report;
  const wake = new Wake();
  const key = KEY.keptAck(cluster.host.name);
  const keeper = new Keeper(options, {
    told: await Told.read(stateFolder),
    heard: new KeptHeard({ client, signal, onChange: () => wake.ring(), onError }),
    held: new HeldKey(client, { key, ttlMs: SESSION_TTL_MS, behavior: 'delete', onError }),
  });
  while (!signal.aborted) {
    try {
      await keeper.pass();
    } catch (error) {
      if (!signal.aborted) onError(error);
    }
    await wake.wait(lookMs, signal);
  }
  await keeper.close();
}

class Keeper {
  readonly #options: KeptOptions;
  readonly #told: Told;
  readonly #heard: KeptHeard;
  readonly #held: HeldKey;
  readonly #standings = new Map<string, Standing>();
  readonly #removeAt = new Map<string, number>();

  constructor(
    options: KeptOptions,
    parts: { readonly told: Told; readonly heard: KeptHeard; readonly held: HeldKey },
  ) {
    this.#options = options;
    this.#told = parts.told;
    this.#heard = parts.heard;
    this.#held = parts.held;
  }

  async pass(): Promise<void> {
    const { settingsFolder = HOST_PATH.keptCertificates } = this.#options;
    const kept = await readSettings(settingsFolder);
    this.#heard.follow(new Set(kept.keys()));
    const said: Record<string, KeptAcknowledgement[string]> = {};
    for (const [id, one] of [...kept].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const standing = this.#standings.get(id) ?? { failures: 0, nextAt: 0, staleAt: 0 };
      this.#standings.set(id, standing);
      const wanted = one.kept;
      if (wanted === undefined)
        standing.problem = `${settingsFolder}/${id}.json is not as this version writes it`;
      else await this.#keep(wanted, one.settings, standing);
      const { fingerprint, settings, problem, stale = [] } = standing;
      said[id] = {
        folder: wanted?.folder ?? '',
        ...(fingerprint === undefined ? {} : { fingerprint }),
        ...(settings === undefined ? {} : { settings }),
        ...(problem === undefined ? {} : { problem }),
        ...(stale.length === 0 ? {} : { stale }),
      };
    }
    await this.#forget(kept);
    // A host that keeps nothing needs no session for it.
    if (kept.size > 0 || this.#held.held) this.#held.put(JSON.stringify(said));
  }

  close(): Promise<void> {
    return this.#held.close({ leave: true });
  }

  async #keep(kept: KeptCertificate, settings: string, standing: Standing): Promise<void> {
    const { cluster, hands, log, signal, staleMs = STALE_MS } = this.#options;
    const { id, folder } = kept;
    const live = this.#heard.live(id);
    const root = this.#heard.root;
    if (live === undefined || root === undefined) return;
    try {
      const content = folderContent(kept, live, root, cluster.key);
      const isNew = content.version !== standing.version || settings !== standing.settings;
      const mayRest = settings === standing.tried && (!isNew || standing.failures > 0);
      if (performance.now() < standing.nextAt && mayRest) return await this.#lookAtServed(id, standing);
      standing.tried = settings;
      await hands.write(kept, content);
      if (this.#told.version(id) !== content.version) {
        const told = await this.#tell(kept);
        await this.#told.note(id, content.version);
        const whom = told.length === 0 ? '' : `; ${told.join(', ')} told`;
        log(`info kept certificates: ${id}: new in ${folder}, valid until ${live.notAfter}${whom}`);
      }
      standing.version = content.version;
      standing.fingerprint = content.fingerprint;
      standing.settings = settings;
      standing.failures = 0;
      standing.nextAt = performance.now() + REPEAT_MS;
      if (isNew) standing.staleAt = performance.now() + staleMs;
      delete standing.problem;
    } catch (error) {
      if (signal.aborted) return;
      const restMs = Math.min(REST_MS.most, REST_MS.first * 2 ** Math.min(standing.failures, 10));
      standing.failures += 1;
      standing.nextAt = performance.now() + restMs;
      if (standing.problem !== describeError(error))
        log(`warn kept certificates: ${id}: ${describeError(error)}`);
      standing.problem = describeError(error);
    }
  }

  /** Files that nobody reads are of no use: the program goes on with the one before until that ends. */
  async #lookAtServed(id: string, standing: Standing): Promise<void> {
    const { fingerprint } = standing;
    const { hands, staleMs = STALE_MS } = this.#options;
    if (!isServiceCertificate(id) || fingerprint === undefined || performance.now() < standing.staleAt)
      return;
    standing.staleAt = performance.now() + staleMs;
    standing.stale = await hands.stale(id, fingerprint);
  }

  /** Files may be there before the container that is to be told of them; later one that is missing is somebody's mistake. */
  async #tell(kept: KeptCertificate): Promise<readonly string[]> {
    try {
      return await this.#options.hands.tell(kept);
    } catch (error) {
      if (isNotFound(error) && this.#told.version(kept.id) === undefined) return [];
      throw error;
    }
  }

  /** What nobody wants kept any more: the keys of services go, what was put into a folder of somebody else's stays there. */
  async #forget(kept: ReadonlyMap<string, unknown>): Promise<void> {
    for (const id of this.#standings.keys()) if (!kept.has(id)) this.#standings.delete(id);
    for (const id of this.#told.ids) {
      if (kept.has(id)) {
        this.#removeAt.delete(id);
        continue;
      }
      if (performance.now() < (this.#removeAt.get(id) ?? 0)) continue;
      this.#removeAt.set(id, performance.now() + REST_MS.first);
      if (isServiceCertificate(id) && !(await this.#options.hands.remove(id))) continue;
      await this.#told.note(id, undefined);
      this.#options.log(`info kept certificates: ${id}: not kept any more`);
    }
  }
}

interface Setting {
  /** Absent: the file says nothing that this version would do. */
  readonly kept: KeptCertificate | undefined;
  /** SHA-256 of its text. */
  readonly settings: string;
}

/** Id → what is to be kept. */
async function readSettings(folder: string): Promise<ReadonlyMap<string, Setting>> {
  const found = new Map<string, Setting>();
  for (const name of await folderNames(folder)) {
    if (!name.endsWith('.json')) continue;
    const id = name.slice(0, -'.json'.length);
    const text = await readFile(join(folder, name), 'utf8').catch(() => undefined);
    if (text === undefined) continue;
    const kept = parseKept(id, text, HOST_PATH.serviceCertificates);
    found.set(id, { kept, settings: sha256(text) });
  }
  return found;
}
