import type { Desired, DesiredCertificate, DesiredIssuer } from '../compose/desired.ts';
import type { Actual } from './actual.ts';
import { canonicalJson } from './canonical.ts';
import { issuerWords } from './certificate-words.ts';
import type { Change } from './change.ts';

/** What changes about the certificates that the project wants. Secrets are known by their hash only, and not shown by it. */
export function planCertificates(desired: Desired, actual: Actual): Change[] {
  const before = new Map((actual.certificates ?? []).map((each) => [each.id, each]));
  const after = new Map((desired.certificates ?? []).map((each) => [each.id, each]));
  const changes: Change[] = [];
  for (const [id, wanted] of after) {
    const old = before.get(id);
    if (old !== undefined && canonicalJson(old) === canonicalJson(wanted)) continue;
    const path = `certificates.${id}`;
    const to = issuerWords(wanted);
    if (old === undefined)
      changes.push({ kind: 'add-certificate', path, from: null, to, why: newReasons(wanted) });
    else
      changes.push({
        kind: 'change-certificate',
        path,
        from: issuerWords(old),
        to,
        why: certificateReasons(old, wanted),
      });
  }
  for (const [id, old] of before) {
    if (after.has(id)) continue;
    const why = [
      `no ${old.purpose === undefined ? 'route' : 'service'} needs it any more; it is not renewed`,
    ];
    changes.push({
      kind: 'remove-certificate',
      path: `certificates.${id}`,
      from: issuerWords(old),
      to: null,
      why,
    });
  }
  return changes;
}

function newReasons({ source, issuers, challenge, names, purpose }: DesiredCertificate): string[] {
  const further = names.length > 1 ? [`for ${names.join(', ')}`] : [];
  if (purpose !== undefined)
    return ['issued by the private CA, laid into the replicas and renewed there', ...further];
  if (source === 'files') return ['given in seawall.yml', ...further];
  if (source === 'internal')
    return ['issued by the private CA: clients have to be told to trust it', ...further];
  const proof = challenge === 'dns' ? 'by a DNS record' : 'by HTTP on port 80';
  const rehearsal = issuers[0]?.staging === undefined ? '' : ', after a rehearsal on its staging directory';
  return [`ordered, proven ${proof}${rehearsal}; the private CA serves until it is there`, ...further];
}

function certificateReasons(old: DesiredCertificate, wanted: DesiredCertificate): string[] {
  const shown = (key: string, from: string, to: string): string[] =>
    from === to ? [] : [`${key}: ${from} → ${to}`];
  const secret = (key: string, from: string | undefined, to: string | undefined): string[] =>
    from === to ? [] : [`${key} ${from === undefined ? 'added' : to === undefined ? 'removed' : 'changed'}`];
  return [
    ...shown('names', old.names.join(', '), wanted.names.join(', ')),
    ...shown('issued by', issuerWords(old), issuerWords(wanted)),
    ...shown('proven by', old.challenge, wanted.challenge),
    ...shown('key', old.keys.join(' and '), wanted.keys.join(' and ')),
    ...secret('DNS hook', old.dns, wanted.dns),
    ...secret('certificate or key', old.files, wanted.files),
    ...wanted.issuers.flatMap((issuer) => {
      const was = old.issuers.find(({ name }) => name === issuer.name);
      return was === undefined ? [] : issuerReasons(was, issuer);
    }),
  ];
}

function issuerReasons(old: DesiredIssuer, wanted: DesiredIssuer): string[] {
  const keys = ['directory', 'staging', 'email', 'profile'] as const;
  const shown = keys
    .filter((key) => old[key] !== wanted[key])
    .map((key) => `${wanted.name}: ${key} ${old[key] ?? 'none'} → ${wanted[key] ?? 'none'}`);
  const hidden = (['trust', 'binding'] as const)
    .filter((key) => old[key] !== wanted[key])
    .map((key) => `${wanted.name}: ${key === 'trust' ? 'its CAs' : 'account binding'} changed`);
  return [...shown, ...hidden];
}
