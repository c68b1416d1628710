import type { CertificateFiles, CertificateWish } from '../catalog/tls-record.ts';
import { SEAL } from '../catalog/tls-record.ts';
import { describeError, SeawallError } from '../errors.ts';
import { unseal } from '../secrets/index.ts';
import type { Book } from './book.ts';
import { type Leaf, readLeaf, sealedKey, validityOf } from './leaf.ts';
import type { Call, Chance } from './ports.ts';
import { servedRecord } from './record.ts';

export interface GivenOptions {
  readonly book: Book;
  readonly clusterKey: string;
  readonly chance: Chance;
  readonly log: (line: string) => void;
}

/**
 * Serves a certificate that was given as files, once it is checked; what is wrong stands in the state, and what was served before
 * stays. Not counted as publicly trusted: nobody said so, and HSTS with a CA that clients do not know locks them out.
 */
export async function serveFiles(options: GivenOptions, wish: CertificateWish, call: Call): Promise<void> {
  const { book, clusterKey, chance, log } = options;
  const { id } = wish;
  const now = chance.now();
  let given: { readonly leaf: Leaf; readonly key: string };
  try {
    given = openFiles(options, wish);
  } catch (error) {
    const hint = error instanceof SeawallError && error.hint !== undefined ? { hint: error.hint } : {};
    const lastError = {
      at: new Date(now).toISOString(),
      issuer: 'files',
      text: describeError(error),
      ...hint,
    };
    await book.note(id, (state) => ({ ...state, failures: state.failures + 1, lastError }), call);
    log(`warn certs: ${id}: ${lastError.text}`);
    return;
  }
  const { leaf, key } = given;
  const { type, fingerprint, notAfter } = leaf;
  const served = book.live.get(id);
  if (served?.source !== 'files' || served.keys[0]?.fingerprint !== fingerprint) {
    const about = { wish: { ...wish, keys: [type] }, source: 'files', issuer: 'files' } as const;
    const sealed = sealedKey(clusterKey, id, leaf, key);
    const obtained = { ...about, isInterim: false, isPublic: false, key: sealed, validity: leaf };
    await book.serve(servedRecord(obtained, served, { validityOf, now }), call);
    log(
      `info certs: ${id}: the given certificate is served, valid until ${new Date(notAfter).toISOString()}`,
    );
  }
  await book.note(
    id,
    ({ lastError: _l, nextTryAt: _n, order: _o, ...state }) => ({ ...state, failures: 0 }),
    call,
  );
}

function openFiles(
  { clusterKey, chance }: GivenOptions,
  { id, names, files }: CertificateWish,
): { readonly leaf: Leaf; readonly key: string } {
  if (files === undefined) throw new SeawallError('refused', `no files were given for ${id}`);
  const { chain, key } = JSON.parse(unseal(clusterKey, files, SEAL.files(id)).toString()) as CertificateFiles;
  const leaf = readLeaf(id, chain, key, names);
  const now = chance.now();
  if (leaf.notAfter > now && leaf.notBefore <= now) return { leaf, key };
  const when =
    leaf.notAfter <= now
      ? `ended at ${new Date(leaf.notAfter).toISOString()}`
      : `begins only at ${new Date(leaf.notBefore).toISOString()}`;
  throw new SeawallError('refused', `the certificate given for ${id} ${when}`, {
    hint: `Give another one: seawall cert import ${id} --cert FILE --key FILE`,
  });
}
