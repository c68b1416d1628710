import { createPrivateKey, createPublicKey, type KeyObject, type webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import { SeawallError } from '../../errors.ts';

export interface CsrOptions {
  /** Puts the first DNS name into the subject as well; default false: CAs that still want one put it there themselves. */
  readonly commonName?: boolean;
}

const ECDSA = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const RSA = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' } as const;
/** RFC 5280 appendix A.1: ub-common-name. */
const LONGEST_COMMON_NAME = 64;

/**
 * A request for a certificate (RFC 2986), DER: the names as subject alternative names.
 * @param names DNS names in ASCII, wildcards too, and addresses.
 * @param keyPem PKCS #8, P-256 or RSA.
 * @throws SeawallError `input` for a name that is not ASCII, `refused` for another kind of key.
 */
export async function makeCsr(
  names: readonly string[],
  keyPem: string,
  options: CsrOptions = {},
): Promise<Uint8Array> {
  const foreign = names.find((name) => !/^[\x21-\x7e]+$/.test(name));
  if (foreign !== undefined) {
    throw new SeawallError('input', `${foreign} cannot stand in a certificate as it is`, {
      hint: 'Write names with other letters in their ASCII form, which begins with xn--.',
    });
  }
  // Loaded by need, as the library's own container asks for it.
  await import('reflect-metadata');
  const x509 = await import('@peculiar/x509');
  const { algorithm, keys } = await webKeys(keyPem);
  const common = names.find((name) => isIP(name) === 0 && name.length <= LONGEST_COMMON_NAME);
  const request = await x509.Pkcs10CertificateRequestGenerator.create(
    {
      ...(options.commonName === true && common !== undefined ? { name: [{ CN: [common] }] } : {}),
      signingAlgorithm: algorithm,
      keys,
      extensions: [
        new x509.SubjectAlternativeNameExtension(
          names.map((value) => ({ type: isIP(value) === 0 ? ('dns' as const) : ('ip' as const), value })),
        ),
      ],
    },
    crypto,
  );
  return new Uint8Array(request.rawData);
}

/** The key pair as the certificate library takes it. */
async function webKeys(
  keyPem: string,
): Promise<{ algorithm: typeof ECDSA | typeof RSA; keys: webcrypto.CryptoKeyPair }> {
  const key = privateKey(keyPem);
  const algorithm = key.asymmetricKeyType === 'rsa' ? RSA : ECDSA;
  const isKnown = algorithm === RSA || key.asymmetricKeyDetails?.namedCurve === 'prime256v1';
  if (!isKnown) throw wrongKey();
  return {
    algorithm,
    keys: {
      privateKey: key.toCryptoKey(algorithm, false, ['sign']),
      publicKey: createPublicKey(key).toCryptoKey(algorithm, true, ['verify']),
    },
  };
}

function privateKey(pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    // Its message is left out on purpose: it may quote the text.
    throw wrongKey();
  }
}

const wrongKey = (): SeawallError =>
  new SeawallError('refused', 'the key of the certificate is neither P-256 nor RSA in PKCS #8', {
    hint: 'Let Seawall make a new one: seawall cert renew',
  });
