import type { Authority, AuthoritySettings } from '../certs/index.ts';
import { SeawallError } from '../errors.ts';
import { type AuthoritySession, describeAuthority, withAuthorities } from './ca-session.ts';
import { viewAuthority, viewReplacement } from './ca-view.ts';
import { confirm } from './confirm.ts';
import type { Context } from './context.ts';
import { EXIT } from './exit-code.ts';
import { print, printJson } from './output.ts';

interface InitFlags {
  readonly permit?: readonly string[];
  readonly crlHost?: string;
  readonly name?: string;
  readonly replace?: boolean;
}

/** With the words that are added to it a common name may have 64 characters (RFC 5280 appendix A.1). */
const NAME = /^[\p{L}\p{N}][\p{L}\p{N} .,'&()_-]{0,39}$/u;

/** `seawall ca init`: makes the CA, replaces it, or says what there is. */
export async function init(context: Context, flags: InitFlags): Promise<number> {
  const settings = await settingsOf(flags);
  return withAuthorities(context, 'ca init', async (session) => {
    const { readAuthority, renewRevocationList, renewRootList } = await import('../certs/index.ts');
    const present = await readAuthority(session);
    let authority: Authority;
    if (present === undefined) authority = await make(session, settings);
    else if (!flags.replace) authority = await keep(session, present, settings);
    else {
      const replaced = await replace(context, session, present, settings);
      if (replaced === undefined) return EXIT.interrupted;
      authority = replaced;
    }
    await renewRevocationList({ ...session, authority });
    await renewRootList({ ...session, authority });
    const created = authority.record.root.certificate !== present?.record.root.certificate;
    const view = await describeAuthority(authority);
    session.progress.close();
    await (context.options.json
      ? printJson(context, { ...view, created })
      : print(context, viewAuthority(view, created, context.style)));
    return EXIT.done;
  });
}

async function settingsOf({ permit = [], crlHost, name }: InitFlags): Promise<AuthoritySettings> {
  const { parsePermit, parseSubject } = await import('../certs/index.ts');
  const permitted = [...new Set(permit.map((text) => parsePermit(text).value))].sort();
  if (name !== undefined && !NAME.test(name)) {
    throw new SeawallError('input', `--name ${JSON.stringify(name)} cannot stand in a certificate`, {
      hint: 'Choose up to 40 letters, digits and spaces, such as --name "Example Ltd"',
    });
  }
  const host = crlHost === undefined ? undefined : parseSubject(crlHost);
  if (host !== undefined && (host.type === 'email' || /[*:]/.test(host.value))) {
    throw new SeawallError('input', `--crl-host ${crlHost} is no host name`, {
      hint: 'Name a domain that the edges serve, such as --crl-host www.example.com',
    });
  }
  return {
    permitted,
    ...(name === undefined ? {} : { name }),
    ...(host === undefined ? {} : { crlHost: host.value }),
  };
}

async function make(session: AuthoritySession, settings: AuthoritySettings): Promise<Authority> {
  const { ensureAuthority } = await import('../certs/index.ts');
  const authority = await ensureAuthority({ ...session, settings });
  // Somebody else may have been quicker.
  return keep(session, authority, settings);
}

/** The CA that is there, if it is what was asked for: only where its list is served can be changed. */
async function keep(
  session: AuthoritySession,
  { record }: Authority,
  { permitted = [], name, crlHost }: AuthoritySettings,
): Promise<Authority> {
  const { ensureAuthority, setRevocationHost } = await import('../certs/index.ts');
  const isOther =
    (permitted.length > 0 && permitted.join() !== record.permitted.join()) ||
    (name !== undefined && name !== record.name.replace(/ [0-9a-f]{6}$/, ''));
  if (isOther) {
    const limits = record.permitted.join(', ') || 'any name';
    throw new SeawallError('refused', `there is a private CA already: ${record.name}, for ${limits}`, {
      hint: 'What stands in its certificate cannot be changed. To give it up for another one: seawall ca init --replace …',
    });
  }
  const authority = await ensureAuthority(session);
  return crlHost === undefined || crlHost === record.crlHost
    ? authority
    : setRevocationHost({ ...session, crlHost });
}

/** Undefined: it was not wanted after all. */
async function replace(
  context: Context,
  session: AuthoritySession,
  present: Authority,
  settings: AuthoritySettings,
): Promise<Authority | undefined> {
  const { authorityId, listIssued, replaceAuthority } = await import('../certs/index.ts');
  const replaces = authorityId(present.record);
  const issued = await listIssued(session.client, session);
  const valid = issued.filter(
    ({ authority, revokedAt, notAfter }) =>
      authority === replaces && revokedAt === undefined && Date.parse(notAfter) > session.now,
  );
  session.progress.pause();
  const view = await describeAuthority(present);
  if (!context.options.json) await print(context, viewReplacement(view, valid.length, context.style));
  if (!(await confirm(context, { command: 'ca init --replace', text: 'Make a new private CA?' }))) {
    await print(context, 'Nothing was changed.\n');
    return undefined;
  }
  const { crlHost } = present.record;
  const kept = crlHost === undefined ? {} : { crlHost };
  return replaceAuthority({ ...session, settings: { ...kept, ...settings }, replaces });
}
