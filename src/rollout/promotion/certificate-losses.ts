/** What an edge remembers of HTTPS, as far as it tells what a lost catalog held: `edge.json` of the agent's state. */
export interface EdgeMemory {
  readonly certificates: readonly {
    readonly id: string;
    readonly isInterim: boolean;
    readonly source: string;
  }[];
  /** The private CA's root (PEM). */
  readonly hasRoot: boolean;
}

/** `edge.json`, from another host: whatever is not as it should be counts as not there. */
export function edgeMemory(value: unknown): EdgeMemory {
  const { certificates, root } = ((value ?? {}) as { tls?: Record<string, unknown> }).tls ?? {};
  const list = Array.isArray(certificates)
    ? (certificates as Partial<EdgeMemory['certificates'][number]>[])
    : [];
  return {
    certificates: list.flatMap(({ id, isInterim, source }) =>
      typeof id === 'string' ? [{ id, isInterim: isInterim === true, source: String(source) }] : [],
    ),
    hasRoot: typeof root === 'string',
  };
}

export interface Lost {
  /** Project → what its certificates are called, of the releases in force. */
  readonly wished: Readonly<Record<string, readonly { readonly id: string; readonly source: string }[]>>;
  readonly edges: readonly EdgeMemory[];
}

/** What of certificates is in no host's own files and so goes with a catalog, and what follows; sentences. */
export function certificateLosses({ wished, edges }: Lost): readonly string[] {
  const all = Object.entries(wished).sort(([a], [b]) => (a < b ? -1 : 1));
  const hasAny = all.some(([, list]) => list.length > 0);
  if (!hasAny && !edges.some(({ hasRoot }) => hasRoot)) return [];
  const served = new Set(
    edges.flatMap(({ certificates }) =>
      certificates.filter(({ source, isInterim }) => source !== 'internal' && !isInterim).map(({ id }) => id),
    ),
  );
  const isOrdered = all.some(([, list]) => list.some(({ source }) => source === 'acme'));
  return [
    'the private CA with its keys and its list of what is revoked: another one is made by itself, without limits (with limits: seawall ca init --replace --permit NAME)',
    'trust in that CA: browsers, programs and registries have to be given the new root (seawall ca export); client certificates and replicas that serve HTTPS by the old one are refused until they have new ones (seawall ca issue)',
    ...all
      .filter(([, list]) => list.length > 0)
      .map(
        ([project, list]) =>
          `certificates of ${project} (${named(list.map(({ id }) => id))}): ${fate(list, served)}`,
      ),
    ...(isOrdered
      ? [
          'accounts at issuers (ACME): new ones are made. An issuer that binds them to a key of its own may want a new key (tls: issuers: in seawall.yml)',
        ]
      : []),
    'what was issued or imported by hand: again, with seawall cert issue, seawall cert import, seawall ca issue',
  ];
}

/** What becomes of a project's certificates. */
function fate(
  list: readonly { readonly id: string; readonly source: string }[],
  served: ReadonlySet<string>,
): string {
  const kept = list.filter(({ id, source }) => source !== 'internal' && served.has(id));
  const ordered = list.some(({ source }) => source === 'acme')
    ? "all are ordered anew, which counts towards the issuer's limits (Let's Encrypt: 5 a week for one set of names)"
    : 'they are made anew';
  if (kept.length === 0) return `${ordered}; until then the private CA serves`;
  const which = kept.length === list.length ? 'them' : `${kept.length} of them`;
  return `${ordered}; until then, or their end, the edges serve ${which} from their own disks`;
}

const SHOWN = 5;

function named(ids: readonly string[]): string {
  const sorted = ids.map((id) => id.replace(/^_wildcard\./, '*.')).sort();
  const more = sorted.length - SHOWN;
  return more > 0 ? `${sorted.slice(0, SHOWN).join(', ')} and ${more} more` : sorted.join(', ');
}
