import { posix } from 'node:path';
import type { CertificateFact, CertificateFault } from '../certificate-pair.ts';
import { type Node, placeAt } from '../compose/index.ts';
import { type KeyPath, type Problem, problemAt } from '../problems.ts';
import { cleanRevocationLists } from '../revocation-text.ts';
import type { TlsInput } from './tls-schema.ts';

/** What settling HTTPS takes of the machine that it runs on. */
export interface TlsParts {
  /** Text of a file by its absolute path; undefined when it cannot be read. */
  read(path: string): string | undefined;
  /** How messages name a file. */
  show(path: string): string;
  /** Variables where the command runs. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What a chain and a key are good for now. */
  inspectPair(chain: string, key: string): CertificateFact | CertificateFault;
  isCertificateText(text: string): boolean;
  hash(text: string): string;
  readonly now: Date;
}

/** Larger files are no key, script or list of CAs. */
const MOST_CHARACTERS = 256 * 1024;

/** One run of settling: collects problems and secrets. */
export interface TlsContext {
  readonly parts: TlsParts;
  readonly problems: Problem[];
  /** SHA-256 → text. */
  readonly secrets: Map<string, string>;
  report(path: KeyPath, text: string, remedy?: string, more?: ReportRules): void;
  /** Absolute path of a file that is named relative to the seawall.yml in which it stands. */
  fileAt(path: KeyPath, written: string): string;
  /** Text of a named file; undefined when that is a problem, which is reported. */
  readFile(path: KeyPath, written: string): string | undefined;
  /** Puts a text aside. @returns its SHA-256 */
  keepSecret(text: string): string;
}

interface ReportRules {
  readonly what?: 'key' | 'value';
  readonly severity?: 'warning';
}

/** Settings of one place; the path is for problems and for files relative to it. */
export interface Layer {
  readonly value: Partial<TlsInput>;
  readonly path: KeyPath;
}

/** The first layer that has a key. */
export function lookUp<K extends keyof TlsInput>(
  layers: readonly Layer[],
  key: K,
): { readonly value: NonNullable<TlsInput[K]>; readonly path: KeyPath } | undefined {
  for (const { value, path } of layers) {
    const found = value[key];
    if (found !== undefined) return { value: found as NonNullable<TlsInput[K]>, path: [...path, key] };
  }
  return undefined;
}

export function tlsContext(root: Node, parts: TlsParts): TlsContext {
  const problems: Problem[] = [];
  const secrets = new Map<string, string>();
  const report: TlsContext['report'] = (path, text, remedy, { what = 'value', severity } = {}) => {
    const problem = problemAt(placeAt(root, path, what), path, text, remedy);
    problems.push(severity === undefined ? problem : { ...problem, severity });
  };
  const fileAt: TlsContext['fileAt'] = (path, written) =>
    posix.resolve(posix.dirname(placeAt(root, path).source.path), written);
  const readFile: TlsContext['readFile'] = (path, written) => {
    const at = fileAt(path, written);
    const text = parts.read(at);
    if (text === undefined)
      report(
        path,
        `${parts.show(at)} cannot be read`,
        'Name a file that is there; paths are relative to seawall.yml.',
      );
    else if (text.length > MOST_CHARACTERS)
      report(path, `${parts.show(at)} is larger than 256 KiB`, 'Name the file that is meant.');
    else return text;
    return undefined;
  };
  const keepSecret = (text: string): string => {
    const hash = parts.hash(text);
    secrets.set(hash, text);
    return hash;
  };
  return { parts, problems, secrets, report, fileAt, readFile, keepSecret };
}

/** CAs (PEM) of a named file; undefined when that is a problem, which is reported. */
export function readAuthorities(context: TlsContext, path: KeyPath, written: string): string | undefined {
  const text = context.readFile(path, written);
  if (text === undefined || context.parts.isCertificateText(text)) return text;
  const shown = context.parts.show(context.fileAt(path, written));
  context.report(
    path,
    `${shown} holds no certificate that can be read`,
    'It must be PEM: -----BEGIN CERTIFICATE-----',
  );
  return undefined;
}

/** Revocation lists (PEM) of a named file; undefined when that is a problem, which is reported. */
export function readRevocationLists(context: TlsContext, path: KeyPath, written: string): string | undefined {
  const text = context.readFile(path, written);
  if (text === undefined) return undefined;
  const lists = cleanRevocationLists(text);
  if (lists !== undefined) return lists;
  const shown = context.parts.show(context.fileAt(path, written));
  context.report(
    path,
    `${shown} holds no revocation list that can be read`,
    'It must be PEM: -----BEGIN X509 CRL-----. From DER: openssl crl -inform der -in FILE -out FILE.pem',
  );
  return undefined;
}
