import { resolve } from 'node:path';
import { revocationPem } from '../revocation-text.ts';
import { refuseOverwrite, writeOutputs } from './ca-files.ts';
import { type AuthoritySession, describeAuthority, presentAuthority } from './ca-session.ts';
import type { Context } from './context.ts';
import { EXIT } from './exit-code.ts';
import { print, printJson } from './output.ts';

export interface ExportFlags {
  readonly out?: string;
  readonly crl?: boolean;
  readonly force?: boolean;
}

/** `seawall ca export` */
export async function exportRoot(
  context: Context,
  session: AuthoritySession,
  { out, crl = false, force = false }: ExportFlags,
): Promise<number> {
  const { authorityTrust, renewRevocationList } = await import('../certs/index.ts');
  const path = out === undefined ? undefined : resolve(context.terminal.cwd, out);
  if (path !== undefined) await refuseOverwrite([path], force);
  const authority = await presentAuthority(session);
  const view = await describeAuthority(authority);
  const { der, number, nextUpdate } = await renewRevocationList({ ...session, authority });
  const pem = crl ? revocationPem(der) : authorityTrust(authority.record);
  if (path !== undefined) await writeOutputs([{ path, text: pem, mode: 0o644 }]);
  session.progress.close();
  const value = crl
    ? { crl: pem, crlNumber: Number(number), crlNextUpdate: nextUpdate.toISOString() }
    : { certificate: pem, fingerprint: view.fingerprint, notAfter: view.rootNotAfter };
  if (context.options.json) await printJson(context, { ...value, file: path ?? null });
  else await print(context, path === undefined ? pem : `Written to ${path}\n`);
  return EXIT.done;
}
