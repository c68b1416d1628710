import { z } from 'zod';
import { isDomain } from '../names.ts';
import { parseDurationMs } from '../units.ts';

/* The part of the schema of seawall.yml that is about HTTPS. */

const isUrl = (text: string, ...protocols: readonly string[]): boolean => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url !== undefined && protocols.includes(url.protocol) && url.username === '' && url.password === '';
};

const directory = z
  .string()
  .refine((text) => isUrl(text, 'https:'), 'an address such as https://acme.example.com/directory');

const file = z.string().min(1, 'a path of a file');

const domain = z
  .string()
  .refine((text) => isDomain(text.toLowerCase().replace(/^\*\./, '')), 'a domain such as www.example.com');

const wildcard = z
  .string()
  .refine(
    (text) => /^\*\.[^.]+\./.test(text) && isDomain(text.toLowerCase().slice(2)),
    'a wildcard such as "*.example.com"',
  );

const email = z.email('an e-mail address').describe('Address that the CA may write to. (Default: none.)');

const profile = z
  .string()
  .regex(/^[A-Za-z0-9._-]{1,64}$/, 'a name such as shortlived')
  .describe(
    "Profile to ask for, where the CA offers it: Let's Encrypt has `classic`, `tlsserver` and `shortlived` (6 days). (Default: the CA's own.)",
  );

const DAYS = 'a duration such as 180d or 8760h';
const maxAge = z
  .string()
  .refine((text) => {
    const ms = parseDurationMs(text) ?? -1;
    return ms >= 0 && Number.isInteger(ms / 1000);
  }, DAYS)
  .meta({ examples: ['180d'] });

const hsts = z.union([
  z.enum(['off']),
  z.strictObject({
    max_age: maxAge.optional().describe('How long browsers remember it. (Default: 180d.)'),
    subdomains: z
      .boolean()
      .optional()
      .describe('All names below the domain too, also those that Seawall does not serve. (Default: false.)'),
    preload: z
      .boolean()
      .optional()
      .describe(
        'Allow browsers to ship with it (hstspreload.org). Needs `subdomains` and a `max_age` of 365d or more, and takes months to undo. (Default: false.)',
      ),
  }),
]);

const hstsText =
  'Strict-Transport-Security (RFC 6797): tells browsers to come to this domain by HTTPS only and to accept no broken certificate. It cannot be taken back before `max_age` is over, so it is sent only once a publicly trusted certificate has served for a day, and never while the private CA serves. `off` sends none. (Default: 180 days, without subdomains.)';

const issuer = z.union([
  z.enum(['letsencrypt', 'letsencrypt-staging', 'internal']),
  z.strictObject({
    directory: directory.describe("Address of the ACME server's directory (RFC 8555)."),
    name: z
      .string()
      .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'lower-case letters, digits, ".", "_" and "-"')
      .optional()
      .describe("What it is called on screens. (Default: the directory's host name.)"),
    staging: directory
      .optional()
      .describe('Directory on which the first order of a name is rehearsed. (Default: no rehearsal.)'),
    ca: file
      .optional()
      .describe(
        'File with the CAs (PEM) by which the directory itself is trusted. (Default: those of the system.)',
      ),
    eab: z
      .strictObject({
        key_id: z.string().min(1).describe('As the CA gives it.'),
        key_file: file.describe('File with the key, base64url, as the CA gives it.'),
      })
      .optional()
      .describe('External account binding, where the CA wants one (RFC 8555 section 7.3.4).'),
    profile: profile.optional(),
    email: email.optional(),
  }),
]);

const dns = z
  .strictObject({
    exec: file
      .optional()
      .describe(
        'Script file that `sh` runs with `present|cleanup FQDN VALUE` as arguments, in a container of Seawall on the host that orders. One of `exec`, `webhook` and `rfc2136`.',
      ),
    env: z
      .record(
        z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'the name of a variable'),
        z.string().nullable(),
        'a map of variables',
      )
      .optional()
      .describe(
        'Variables for the script; one without a value has that of the variable where the command runs. (Default: none.)',
      ),
    webhook: z
      .string()
      .refine((text) => isUrl(text, 'https:', 'http:'), 'an address such as https://dns.example.com/hook')
      .optional()
      .describe('Address that gets `POST` with JSON `action` (`present` or `cleanup`), `fqdn` and `value`.'),
    token_file: file.optional().describe('File with the token that the webhook gets as bearer token.'),
    rfc2136: z
      .strictObject({
        server: z
          .string()
          .regex(/^[A-Za-z0-9][A-Za-z0-9.:-]*$/, 'an address or a host name')
          .describe('Name server that takes updates.'),
        port: z.number().int().min(1).max(65_535).optional().describe('Its port. (Default: 53.)'),
        zone: domain
          .optional()
          .describe('Zone to change. (Default: the one that the server says the name is in.)'),
        key_name: z
          .string()
          .regex(/^[A-Za-z0-9._-]+$/, 'the name of a key')
          .describe('Name of the TSIG key.'),
        key_file: file.describe('File with the TSIG key, base64.'),
        algorithm: z
          .enum(['hmac-sha256', 'hmac-sha512'])
          .optional()
          .describe('Of the TSIG key. (Default: hmac-sha256.)'),
      })
      .optional()
      .describe('Dynamic updates (RFC 2136) signed with TSIG (RFC 8945).'),
  })
  .describe('How TXT records get into the DNS, for `challenge: dns`.');

const issuers = z
  .array(issuer)
  .min(1)
  .describe(
    "Who issues, in this order: the next one is asked when one fails. `letsencrypt`, `letsencrypt-staging` (for trials: no browser trusts it), a map with the directory of another ACME server, or `internal` alone, the cluster's private CA. (Default: letsencrypt.)",
  );

const challenge = z
  .enum(['http', 'dns'])
  .describe(
    'How the CA is shown that a domain is yours: `http` by the edges on port 80; `dns` by a record, which wildcards need. (Default: dns where `dns` is given, else http.)',
  );

const keyType = z
  .enum(['ecdsa', 'rsa', 'both'])
  .describe(
    'Kind of key: `both` orders two certificates, and old clients get the RSA one. (Default: ecdsa.)',
  );

/** Top-level `tls:`. */
export const tlsSchema = z
  .strictObject({
    email: email.optional(),
    issuers: issuers.optional(),
    profile: profile.optional(),
    key: keyType.optional(),
    challenge: challenge.optional(),
    dns: dns.optional(),
    policy: z
      .enum(['intermediate', 'modern'])
      .optional()
      .describe(
        "Mozilla's TLS profile (guidelines 6.0), the same for everything that the cluster's edges serve: `modern` takes TLS 1.3 only. (Default: intermediate.)",
      ),
    hsts: hsts.optional().describe(hstsText),
  })
  .describe('HTTPS of all routes. Nothing has to be written for a public domain.');

/** `tls:` of a route. */
export const routeTlsSchema = z
  .union([
    z.enum(['off', 'internal', 'staging']),
    z.strictObject({
      certificate: file
        .optional()
        .describe('File with a given certificate (PEM, leaf first) instead of an ordered one.'),
      key: z
        .string()
        .min(1)
        .optional()
        .describe(
          'With `certificate`: file with its private key (PEM). Without: `ecdsa`, `rsa` or `both`, as in the top-level `tls`.',
        ),
      email: email.optional(),
      issuers: issuers.optional(),
      profile: profile.optional(),
      challenge: challenge.optional(),
      dns: dns.optional(),
      names: z
        .array(domain)
        .min(1)
        .optional()
        .describe('Further names that the certificate is to be for. (Default: only the domain.)'),
      wildcard: wildcard
        .optional()
        .describe(
          'Use the certificate for this wildcard, which routes share; it needs `challenge: dns`. (Default: a certificate of its own for the domain.)',
        ),
      client_ca: file
        .optional()
        .describe(
          'File with CAs (PEM), or `internal`: the private CA. Only clients that show a certificate of one of them are served; of the private CA none that it revoked. (Default: everybody.)',
        ),
      client_crl: file
        .optional()
        .describe(
          'With a file as `client_ca`: file with the revocation lists (PEM) of all CAs in it. Clients in a list are refused, and all are when a list has ended. (Default: none is looked at.)',
        ),
      redirect: z
        .boolean()
        .optional()
        .describe(
          'Whether plain HTTP is answered with a redirect to HTTPS, 301 for GET and HEAD, 308 otherwise; `false` serves it too. (Default: true.)',
        ),
      hsts: hsts.optional().describe(hstsText),
    }),
  ])
  .describe(
    'How the domain is served. `internal`: HTTPS by the private CA of the cluster. `staging`: by the rehearsal directory of the first issuer. `off`: plain HTTP. A map: its own settings instead of those of the top-level `tls`. Routes of one domain share it: one of them says it. (Default: HTTPS as the top-level `tls` says.)',
  );

/** `upstream_tls:` of a route. */
export const upstreamTlsSchema = z
  .union([
    z.boolean(),
    z.strictObject({
      ca: file
        .optional()
        .describe(
          'File with CAs (PEM) that the replicas are verified by, or `internal`: the private CA. (Default: internal.)',
        ),
      server_name: domain
        .optional()
        .describe('Name that is asked for and verified. (Default: the domain of the route.)'),
    }),
  ])
  .describe(
    'The replicas speak HTTPS themselves: the edge does too, and verifies them. `true`: by the private CA. (Default: plain HTTP over the private network.)',
  );

export type TlsInput = z.infer<typeof tlsSchema>;
export type RouteTlsInput = z.infer<typeof routeTlsSchema>;
export type RouteTlsMap = Exclude<RouteTlsInput, string>;
export type HstsInput = z.infer<typeof hsts>;
export type IssuerInput = z.infer<typeof issuer>;
export type DnsInput = z.infer<typeof dns>;
