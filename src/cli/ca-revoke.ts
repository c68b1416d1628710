import type { RevocationReason } from '../certs/index.ts';
import { SeawallError } from '../errors.ts';
import { type AuthoritySession, presentAuthority, readViews } from './ca-session.ts';
import { type IssuedView, viewRevocation } from './ca-view.ts';
import { confirm } from './confirm.ts';
import type { Context } from './context.ts';
import { EXIT } from './exit-code.ts';
import { print, printJson } from './output.ts';
import { requireName } from './project.ts';

export interface RevokeFlags {
  readonly reason: RevocationReason;
}

/** `seawall ca revoke` */
export async function revoke(
  context: Context,
  session: AuthoritySession,
  { reason }: RevokeFlags,
  which: string,
): Promise<number> {
  const { renewRevocationList, renewRootList, revokeSerial } = await import('../certs/index.ts');
  const authority = await presentAuthority(session);
  const { json } = context.options;
  const chosen = chooseIssued((await readViews(session)).issued, which);
  session.progress.pause();
  if (!json) await print(context, viewRevocation(chosen, context.style));
  if (!(await confirm(context, { command: 'ca revoke', text: 'Revoke?' }))) {
    await print(context, 'Nothing was changed.\n');
    return EXIT.interrupted;
  }
  for (const { serial } of chosen) await revokeSerial({ ...session, serial, reason });
  const { number, nextUpdate } = await renewRevocationList({ ...session, authority });
  await renewRootList({ ...session, authority });
  const { endOnHosts } = await import('../rollout/index.ts');
  const ids = [...new Set(chosen.flatMap(({ kept }) => kept?.id ?? []))];
  const absent = await endOnHosts(session.hosts, ids);
  session.progress.close();
  const revoked = chosen.map(({ serial }) => serial);
  await (json
    ? printJson(context, {
        revoked,
        reason,
        crlNumber: Number(number),
        crlNextUpdate: nextUpdate.toISOString(),
      })
    : print(
        context,
        `Revoked. The list (number ${number}) says so; clients that have the one before keep it for up to 7 days.\n${revokedNotes(chosen, absent)}`,
      ));
  return EXIT.done;
}

/** What else follows from it. */
function revokedNotes(chosen: readonly IssuedView[], absent: readonly string[]): string {
  const inUse = chosen.filter(({ kept }) => kept !== null && !kept.id.startsWith('_host.'));
  const ended = chosen.filter(({ kept }) => kept?.id.startsWith('_host.'));
  return [
    ...inUse.map(({ names }) => `It is still served. For another one: seawall cert renew ${names[0]}\n`),
    ...ended.map(({ names }) => `${names[0]} is not renewed any more; its files are where they were.\n`),
    ...absent.map(
      (host) => `${host} does not answer: its agent gets nothing new, and says so until it is told.\n`,
    ),
  ].join('');
}

/** By serial number, as any tool writes it, or all that are valid for a name. @throws SeawallError `input` */
export function chooseIssued(issued: readonly IssuedView[], which: string): IssuedView[] {
  const word = which.toLowerCase();
  const serial = word.replaceAll(':', '');
  const bySerial = issued.find((each) => each.serial === serial);
  if (bySerial?.state === 'valid') return [bySerial];
  if (bySerial !== undefined) {
    throw new SeawallError('input', `${serial} is ${bySerial.state} already`, { hint: 'See: seawall ca ls' });
  }
  const valid = issued.filter(({ state }) => state === 'valid');
  const byName = valid.filter(({ names }) => names.some((name) => name.toLowerCase() === word));
  if (byName.length === 0)
    requireName('valid certificate', which, [...new Set(valid.flatMap(({ names }) => names))]);
  return byName;
}
