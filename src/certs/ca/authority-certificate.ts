import type { webcrypto } from 'node:crypto';
import { nameConstraints } from './der.ts';
import { parsePermit } from './subject.ts';
import {
  loadX509,
  P256,
  type PublicKey,
  randomSerial,
  type SigningKey,
  validityWithin,
  type X509,
} from './x509.ts';

const ROOT_DAYS = 3652;
const INTERMEDIATE_DAYS = 1826;
/** Object identifier (RFC 5280 section 4.2.1.10). */
const NAME_CONSTRAINTS = '2.5.29.30';

/** A root that signed itself. @returns PEM. */
export async function makeRoot(
  subject: {
    readonly name: string;
    readonly permitted: readonly string[];
    readonly keys: webcrypto.CryptoKeyPair;
  },
  now: number,
): Promise<string> {
  const x509 = await loadX509();
  const { publicKey, privateKey } = subject.keys;
  const made = await x509.X509CertificateGenerator.create(
    {
      serialNumber: randomSerial(),
      subject: commonName(subject.name),
      issuer: commonName(subject.name),
      ...validityWithin(undefined, now, ROOT_DAYS),
      publicKey,
      signingKey: privateKey,
      signingAlgorithm: P256,
      extensions: [
        new x509.BasicConstraintsExtension(true, 1, true),
        ...(await authorityExtensions(x509, publicKey, publicKey, subject.permitted)),
      ],
    },
    crypto,
  );
  return pem(made);
}

/** Certifies the intermediate's key with the root's. @returns PEM. */
export async function makeIntermediate(
  subject: {
    readonly name: string;
    readonly permitted: readonly string[];
    readonly publicKey: PublicKey;
  },
  root: { readonly certificate: string; readonly key: SigningKey },
  now: number,
): Promise<string> {
  const x509 = await loadX509();
  const issuer = new x509.X509Certificate(root.certificate);
  const { publicKey } = subject;
  const { serverAuth, clientAuth } = x509.ExtendedKeyUsage;
  const made = await x509.X509CertificateGenerator.create(
    {
      serialNumber: randomSerial(),
      subject: commonName(subject.name),
      issuer: issuer.subjectName,
      ...validityWithin(issuer, now, INTERMEDIATE_DAYS),
      publicKey,
      signingKey: root.key,
      signingAlgorithm: P256,
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        // Whatever it signs, it is good for TLS alone: no mail, no programs.
        new x509.ExtendedKeyUsageExtension([serverAuth, clientAuth]),
        ...(await authorityExtensions(x509, publicKey, issuer.publicKey, subject.permitted)),
      ],
    },
    crypto,
  );
  return pem(made);
}

/** What root and intermediate have in common. */
async function authorityExtensions(
  x509: X509,
  own: PublicKey,
  issuer: PublicKey,
  permitted: readonly string[],
) {
  const { keyCertSign, cRLSign } = x509.KeyUsageFlags;
  return [
    new x509.KeyUsagesExtension(keyCertSign | cRLSign, true),
    await x509.SubjectKeyIdentifierExtension.create(own, false, crypto),
    await x509.AuthorityKeyIdentifierExtension.create(issuer, false, crypto),
    ...constraints(x509, permitted),
  ];
}

/** A host that no mail address has (RFC 2606 section 2). */
const NO_HOST = 'invalid';

/**
 * Of both certificates: some clients do not look at a trusted root's. A kind of name that no permit names is excluded whole; mail
 * addresses go by their host, of which the constraint is either the host itself or, with a dot, those below it.
 */
function constraints(x509: X509, permitted: readonly string[]) {
  if (permitted.length === 0) return [];
  const permits = permitted.map(parsePermit);
  const der = (type: 'dns' | 'ip' | 'email', value: string) =>
    new Uint8Array(new x509.GeneralName(type, value).rawData);
  const lacks = (type: 'dns' | 'ip'): boolean => permits.every((permit) => permit.type !== type);
  const excluded = [
    ...(lacks('dns') ? [der('dns', '')] : []),
    ...(lacks('ip') ? [der('ip', '0.0.0.0/0'), der('ip', '::/0')] : []),
  ];
  const mail = lacks('dns')
    ? [NO_HOST]
    : permits.flatMap(({ type, value }) => (type === 'dns' ? [value, `.${value}`] : []));
  const permittedNames = [
    ...permits.map(({ type, value }) => der(type, value)),
    ...mail.map((host) => der('email', host)),
  ];
  const value = nameConstraints(permittedNames, excluded);
  return [new x509.Extension(NAME_CONSTRAINTS, true, value)];
}

/** As parts, not as text: a name may hold commas and equals signs. */
const commonName = (name: string) => [{ CN: [name] }];

const pem = (certificate: import('@peculiar/x509').X509Certificate): string =>
  `${certificate.toString('pem')}\n`;
