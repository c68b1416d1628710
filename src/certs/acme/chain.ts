import { X509Certificate } from 'node:crypto';
import { SeawallError } from '../../errors.ts';
import type { CertificateChain } from './nouns.ts';
import type { HttpAnswer } from './transport.ts';

const BLOCK = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;

/**
 * The chain of an answer, rewritten so that nothing but certificates is in it (RFC 8555 section 9.1: a server could send keys or more),
 * and the links to others; undefined when there is no chain.
 */
export function certificateChain({ text, headers, url }: HttpAnswer): CertificateChain | undefined {
  const type = headers['content-type'] ?? '';
  if (!/^application\/pem-certificate-chain\b/i.test(type)) return undefined;
  try {
    const certificates = (text.match(BLOCK) ?? []).map((block) =>
      new X509Certificate(block).toString().trim(),
    );
    if (certificates.length === 0) return undefined;
    return { chain: `${certificates.join('\n')}\n`, alternates: alternateLinks(headers.link, url) };
  } catch {
    return undefined;
  }
}

/** URLs of `Link: <…>;rel="alternate"` (RFC 8288); several headers come joined by commas. */
export function alternateLinks(header: string | string[] | undefined, base: string): string[] {
  const text = Array.isArray(header) ? header.join(', ') : (header ?? '');
  return [...text.matchAll(/<([^<>]*)>([^<]*)/g)].flatMap(([, target = '', parameters = '']) =>
    /;\s*rel\s*=\s*"?(?:[\w-]+ )*alternate\b/i.test(parameters) && URL.canParse(target, base)
      ? [new URL(target, base).href]
      : [],
  );
}

/** DER of the first certificate of a PEM text. @throws SeawallError `input` when there is none. */
export function leafDer(pem: string): Buffer {
  try {
    return new X509Certificate(pem).raw;
  } catch (cause) {
    throw new SeawallError('input', 'this is no certificate in PEM', {
      hint: 'It begins with -----BEGIN CERTIFICATE-----.',
      cause,
    });
  }
}
