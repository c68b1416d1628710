/** Certificates in every state, as the catalog holds them. */
import type { CertificateRecord, CertificateState, CertificateWish } from '../src/catalog/index.ts';
import type { CertificateFacts } from '../src/rollout/certificates/status.ts';

export const NOW = Date.parse('2026-12-01T12:00:00Z');
const DAY_MS = 86_400_000;
const at = (days: number): string => new Date(NOW + days * DAY_MS).toISOString();

const issuer = { name: 'letsencrypt', directory: 'https://acme-v02.api.letsencrypt.org/directory' };

const wish = (id: string, more: Partial<CertificateWish> = {}): CertificateWish => ({
  ...{ id, names: [id], source: 'acme', issuers: [issuer], challenge: 'http', keys: ['ecdsa'] },
  ...more,
});

const live = (
  id: string,
  from: number,
  to: number,
  more: Partial<CertificateRecord> = {},
): CertificateRecord => ({
  ...{ id, names: [id], source: 'acme', issuer: 'letsencrypt', isInterim: false },
  keys: [{ type: 'ecdsa', chain: '', key: '', fingerprint: `f-${id}`, serial: '01' }],
  ...{ notBefore: at(from), notAfter: at(to) },
  ...more,
});

const state = (id: string, more: Partial<CertificateState> = {}): CertificateState => ({
  ...{ id, failures: 0, warnings: [] },
  ...more,
});

const wishes = [
  wish('well.example.com'),
  wish('_wildcard.example.com', {
    names: ['*.example.com', 'example.com'],
    challenge: 'dns',
    keys: ['ecdsa', 'rsa'],
  }),
  wish('new.example.com'),
  wish('elsewhere.example.com'),
  wish('failing.example.com'),
  wish('late.example.com'),
  wish('expired.example.com'),
  wish('half.example.com'),
  wish('inner.internal', { source: 'internal', issuers: [] }),
  wish('given.example.com', { source: 'files', issuers: [], files: 'sealed' }),
];

const lives = [
  live('well.example.com', -10, 80),
  live('_wildcard.example.com', -10, 80, {
    keys: (['ecdsa', 'rsa'] as const).map((type) => ({
      ...{ type, chain: '', key: '', fingerprint: `f-${type}`, serial: '01' },
    })),
  }),
  live('elsewhere.example.com', -1, 6, { source: 'internal', issuer: 'internal', isInterim: true }),
  live('failing.example.com', -1, 6, { source: 'internal', issuer: 'internal', isInterim: true }),
  live('late.example.com', -80, 10),
  live('expired.example.com', -91, -1),
  live('half.example.com', -10, 80),
  live('inner.internal', -1, 6, { source: 'internal', issuer: 'internal' }),
  live('given.example.com', -300, 20, { source: 'files', issuer: 'files' }),
];

const states = [
  state('well.example.com', { renewAt: at(50), renewReason: 'ari' }),
  state('_wildcard.example.com', { renewAt: at(51), renewReason: 'lifetime' }),
  state('elsewhere.example.com', {
    warnings: ['elsewhere.example.com leads to 198.51.100.7, which is no edge of this cluster'],
  }),
  state('failing.example.com', {
    failures: 3,
    nextTryAt: at(0.05),
    lastError: {
      ...{
        at: at(-0.02),
        issuer: 'letsencrypt',
        text: 'no valid A record found\u001b[2J for failing.example.com',
      },
      hint: 'Point failing.example.com at an edge: 203.0.113.10',
    },
  }),
  state('inner.internal', { renewAt: at(4), renewReason: 'lifetime' }),
];

const inForce = Object.fromEntries(
  lives.map(({ id, keys }) => [id, keys.map(({ fingerprint }) => fingerprint).sort()]),
);
const { 'half.example.com': _missing, ...partly } = inForce;

export const FACTS: CertificateFacts = {
  wishes: { polls: wishes.slice(0, 8), shop: [wish('well.example.com')], _manual: wishes.slice(8) },
  ...{ live: lives, states, edges: ['front1', 'front2'], kept: {} },
  acks: {
    front1: { certificates: inForce, answers: [], problems: {} },
    front2: {
      certificates: partly,
      answers: [],
      problems: { 'half.example.com': 'nginx refuses it: bad key' },
    },
  },
};
