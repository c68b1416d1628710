/** certbot, the client that most people know, against the same ACME server. */
import { runGuest } from '../../../lab/guests.ts';
import { ensureImages } from '../../../lab/images.ts';
import { certbotImage } from '../../../lab/recipes.ts';
import type { AcmeServer } from '../acme-server.ts';
import type { TlsStage } from './stage.ts';

/** Milliseconds for an order from nothing. */
const orderTimeoutMs = 180_000;

export interface CertbotResult {
  /** PEM: what it writes as `fullchain.pem`. */
  readonly chain: string;
  /** PEM. */
  readonly key: string;
}

/** Has certbot order a certificate as a machine of its own, answering HTTP-01 itself; the name must mean `stage.guest(turn)`. */
export async function orderWithCertbot(
  stage: TlsStage,
  server: AcmeServer,
  domain: string,
  turn: number,
): Promise<CertbotResult> {
  await ensureImages({ images: [certbotImage], say: () => undefined });
  const order = [
    'certonly',
    '--standalone',
    '--non-interactive',
    '--agree-tos',
    '--email',
    'ops@example.net',
  ];
  const line = [...order, '--server', server.directory, '--domain', domain].join(' ');
  const { code, stdout, stderr } = await runGuest(
    stage.lab,
    {
      name: `${stage.name}-certbot`,
      image: certbotImage,
      number: stage.guest(turn).number,
      entrypoint: 'sh',
      env: { REQUESTS_CA_BUNDLE: '/trust.pem' },
      files: { '/trust.pem': server.trust },
      args: [
        '-c',
        `certbot ${line} >&2 && cd /etc/letsencrypt/live/${domain} && cat fullchain.pem privkey.pem`,
      ],
    },
    orderTimeoutMs,
  );
  if (code !== 0) throw new Error(`certbot ended with ${code}\n${stderr}`);
  const at = stdout.indexOf('-----BEGIN PRIVATE KEY-----');
  return { chain: stdout.slice(0, at), key: stdout.slice(at) };
}
