import { AcmeError, type Asked, outage } from './error.ts';

/** Codes of OpenSSL's verification (node:tls, "X509 certificate error codes") that mean: not trusted, or another's; and of a `trust` that is no PEM. */
const UNTRUSTED =
  /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_|CERT_|ERR_TLS_CERT_ALTNAME_INVALID|ERR_OSSL_PEM_)/;

/**
 * What a request that got no answer failed of, for people.
 * @param timeoutMs the limit, if it ran out.
 */
export function failureOf(error: unknown, asked: Asked, timeoutMs: number | undefined): AcmeError {
  if (error instanceof AcmeError) return error;
  if (timeoutMs !== undefined) {
    const { message, hint, directory } = outage(asked, `did not answer within ${timeoutMs} ms`);
    return new AcmeError('timeout', message, directory, { hint, cause: error });
  }
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (!UNTRUSTED.test(code)) return outage(asked, 'does not answer', { cause: error });
  const { message, directory } = outage(asked, 'has a certificate that is not trusted');
  return new AcmeError('refused', message, directory, {
    hint: "Give the CA's own root certificate with the issuer in seawall.yml, and look at the clock of the host that asked.",
    cause: error,
  });
}
