import { randomBytes } from 'node:crypto';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { RouteRecord } from '../catalog/record.ts';
import type { TlsAcknowledgement } from '../catalog/tls-record.ts';
import { replaceFile } from '../replace-file.ts';
import { cleanRevocationLists, revocationPem } from '../revocation-text.ts';
import { CertificateFiles, type KeptCertificate } from './certificate-files.ts';
import type { EdgeModel } from './model.ts';
import { pruneTlsFiles } from './prune-tls.ts';
import { PublicFiles } from './public-files.ts';
import type { TlsHeard } from './tls-heard.ts';
import type { TlsState } from './tls-plan.ts';
import { cleanAuthorities, TrustFiles } from './trust-files.ts';

/** What is remembered across restarts: a start without the catalog serves with it. */
export interface KeptTls {
  readonly certificates: readonly KeptCertificate[];
  /** PEM of the private CA's root. */
  readonly root?: string;
  /** PEM of its revocation lists, the intermediate's and the root's. */
  readonly lists?: string;
}

export interface TlsKeeperOptions {
  readonly edgePath: string;
  readonly clusterKey: string;
  readonly kept: KeptTls | undefined;
  readonly log: (line: string) => void;
}

/** All files of HTTPS on this edge, and what of them is in force. */
export class TlsKeeper {
  /** An earlier run knew what to serve with. */
  readonly hasMemory: boolean;
  readonly #edgePath: string;
  readonly #certificates: CertificateFiles;
  readonly #trust: TrustFiles;
  readonly #lists: TrustFiles;
  readonly #public: PublicFiles;
  #root: string | undefined;
  #ownLists: string | undefined;
  #rootRecord: string | undefined;
  #answers: readonly string[] = [];
  #kept: KeptTls;
  #inForce: TlsAcknowledgement['certificates'] = {};
  /** When nothing useless was left, but for configurations that were still there. */
  #pruned = { names: '', generation: 0, isMore: false };

  constructor(options: TlsKeeperOptions) {
    const { edgePath, clusterKey, kept, log } = options;
    this.#edgePath = edgePath;
    this.hasMemory = kept !== undefined;
    this.#kept = kept ?? { certificates: [] };
    this.#root = kept?.root;
    this.#ownLists = kept?.lists;
    this.#certificates = new CertificateFiles({
      edgePath,
      clusterKey,
      kept: this.#kept.certificates,
      log,
    });
    this.#trust = new TrustFiles(edgePath, cleanAuthorities);
    this.#lists = new TrustFiles(edgePath, cleanRevocationLists);
    this.#public = new PublicFiles(edgePath);
  }

  /** The same object as long as nothing changed. */
  get kept(): KeptTls {
    return this.#kept;
  }

  /** Brings challenge answers and revocation list up to date; nginx serves them at once. */
  async publish({ answers, revocationList }: TlsHeard): Promise<void> {
    this.#answers = await this.#public.put(answers, revocationList);
  }

  /** Brings the disk up to date for routes. @returns what they can be served with. */
  async settle(
    { live, ...heard }: TlsHeard,
    routes: readonly RouteRecord[],
    nowMs: number,
  ): Promise<TlsState> {
    const wanted = new Map<string, string[]>();
    const trusts = new Set<string>();
    const given = new Set<string>();
    for (const { domain, tls, upstreamTls } of routes) {
      if (upstreamTls !== undefined) trusts.add(upstreamTls.trust);
      if (tls === 'off' || typeof tls !== 'object' || tls === null) continue;
      const domains = wanted.get(tls.certificate);
      if (domains === undefined) wanted.set(tls.certificate, [domain.toLowerCase()]);
      else domains.push(domain.toLowerCase());
      if (tls.clientCa !== undefined) trusts.add(tls.clientCa);
      if (tls.clientCrl !== undefined) given.add(tls.clientCrl);
    }
    const before = this.#certificates.kept;
    await this.#certificates.put(live, wanted, nowMs);
    this.#hearAuthority(heard.authority);
    this.#hearLists(heard);
    const { trust, own } = await this.#putTrust(trusts);
    const lists = await this.#putLists(given, own.size > 0);
    const isSame = this.#root === this.#kept.root && this.#ownLists === this.#kept.lists;
    if (before !== this.#certificates.kept || !isSame)
      this.#kept = {
        certificates: [...this.#certificates.kept.values()],
        ...this.root,
        ...(this.#ownLists === undefined ? {} : { lists: this.#ownLists }),
      };
    return { certificates: this.#certificates.kept, trust, lists, own, nowMs };
  }

  /** @param trusts PEM, or `internal`. */
  async #putTrust(trusts: ReadonlySet<string>): Promise<Pick<TlsState, 'trust' | 'own'>> {
    const texts = new Set(trusts);
    texts.delete('internal');
    const root = texts.size < trusts.size || texts.size > 0 ? this.#root : undefined;
    const trust = new Map(await this.#trust.put(root === undefined ? texts : texts.add(root)));
    const rootFile = root === undefined ? undefined : trust.get(root);
    if (rootFile === undefined) return { trust, own: new Set() };
    const own = new Set([...trusts].filter((text) => text === 'internal' || trust.get(text) === rootFile));
    return { trust: trust.set('internal', rootFile), own };
  }

  /** @param given PEM. @param needsOwn the private CA's are wanted too. */
  async #putLists(given: ReadonlySet<string>, needsOwn: boolean): Promise<TlsState['lists']> {
    const own = needsOwn ? this.#ownLists : undefined;
    const lists = new Map(await this.#lists.put(own === undefined ? given : new Set([...given, own])));
    const file = own === undefined ? undefined : lists.get(own);
    return file === undefined ? lists : lists.set('internal', file);
  }

  /** PEM of the private CA's root, where there is one. */
  get root(): { readonly root?: string } {
    return this.#root === undefined ? {} : { root: this.#root };
  }

  /** To be called when nginx confirmed the model: it is in force. */
  confirmed({ servers }: EdgeModel): void {
    const inForce = new Map<string, Set<string>>();
    for (const name of servers.flatMap(({ tls }) => tls?.certificates ?? [])) {
      const [id = '', fingerprint = ''] = name.split('/');
      inForce.set(id, (inForce.get(id) ?? new Set()).add(fingerprint));
    }
    this.#inForce = Object.fromEntries(
      [...inForce]
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([id, fingerprints]) => [id, [...fingerprints].toSorted()]),
    );
  }

  /** Removes what no configuration on the disk names any more. @param model that nginx confirmed. */
  async prune({ settings: { generation }, servers, upstreams }: EdgeModel): Promise<void> {
    const files = new Set(
      servers.flatMap(({ tls }) => tls?.certificates.map((name) => `certs/${name}`) ?? []),
    );
    const trusted = [
      ...servers.flatMap(({ tls }) => [tls?.clientCa, tls?.clientCrl]),
      ...upstreams.map(({ tls }) => tls?.trust),
    ];
    for (const file of trusted) if (file !== undefined) files.add(`trust/${file.replace(/\.pem$/, '')}`);
    const names = [...files].toSorted().join();
    if (names === this.#pruned.names && !(this.#pruned.isMore && generation !== this.#pruned.generation))
      return;
    for (const { id, keys } of this.#certificates.kept.values())
      for (const { fingerprint } of keys) files.add(`certs/${id}/${fingerprint}`);
    for (const file of [...this.#trust.files, ...this.#lists.files])
      files.add(`trust/${file.replace(/\.pem$/, '')}`);
    this.#pruned = { names, generation, isMore: await pruneTlsFiles(this.#edgePath, files) };
  }

  /** @param nginx why nginx did not take what was wanted last. */
  acknowledgement(nginx: string | undefined): TlsAcknowledgement {
    const problems = new Map(this.#certificates.problems);
    for (const { id, keys } of this.#certificates.kept.values()) {
      const isInForce = keys.every(({ fingerprint }) => this.#inForce[id]?.includes(fingerprint));
      if (!isInForce && nginx !== undefined && !problems.has(id)) problems.set(id, nginx);
    }
    return {
      certificates: this.#inForce,
      answers: this.#answers,
      problems: Object.fromEntries([...problems].toSorted(([a], [b]) => (a < b ? -1 : 1))),
    };
  }

  /** Key of HTTP/3's tokens: one that lasts, or those given out before a reload are worth nothing (nginx, `quic_host_key`). */
  async makeQuicKey(): Promise<void> {
    const path = join(this.#edgePath, 'quic-host.key');
    const isThere = await access(path).then(
      () => true,
      () => false,
    );
    if (!isThere) await replaceFile(path, randomBytes(80), 0o600);
  }

  #hearLists(heard: TlsHeard): void {
    this.#ownLists = bothLists(heard) ?? this.#ownLists;
  }

  #hearAuthority(text: string | undefined): void {
    if (text === undefined || text === this.#rootRecord) return;
    this.#rootRecord = text;
    const root = readRoot(text);
    if (root !== undefined) this.#root = root;
  }
}

/** Two lists, one for each CA of a client's chain; one alone would have every client refused. */
function bothLists({ revocationList, rootRevocationList }: TlsHeard): string | undefined {
  if (revocationList === undefined || rootRevocationList === undefined) return undefined;
  const pem = (base64: string): string => revocationPem(Buffer.from(base64, 'base64'));
  return cleanRevocationLists(`${pem(revocationList)}${pem(rootRevocationList)}`);
}

function readRoot(text: string): string | undefined {
  try {
    const { root } = JSON.parse(text) as { readonly root?: { readonly certificate?: unknown } };
    return typeof root?.certificate === 'string' ? root.certificate : undefined;
  } catch {
    return undefined;
  }
}
