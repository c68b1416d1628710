import { SeawallError } from '../errors.ts';

/** Who is meant: the host's name in seawall.yml and its ssh destination. */
export interface SshTarget {
  readonly name: string;
  /** `user@host`, an alias of the ssh configuration, or `ssh://user@host:port`. */
  readonly destination: string;
  /** Absolute path of an ssh configuration in place of the user's own. */
  readonly sshConfig?: string | undefined;
}

/** The command a person would type to reach the host; for hints. */
export function sshByHand(target: SshTarget): string {
  return ['ssh', ...(target.sshConfig === undefined ? [] : ['-F', target.sshConfig]), target.destination]
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : quoteWord(word)))
    .join(' ');
}

/**
 * Throws `input` for a destination that ssh could take for an option, or whose characters no user, host or alias needs (CVE-2017-1000117
 * and its kin).
 */
export function checkDestination(target: SshTarget): void {
  const { destination, name } = target;
  const isPlain = /^(ssh:\/\/)?([\w.+%][\w.+%-]*@)?[\w.[][\w.:%[\]-]*$/;
  if (isPlain.test(destination)) return;
  throw new SeawallError('input', `${JSON.stringify(destination)} is no ssh destination`, {
    where: `hosts.${name}.ssh`,
    hint: 'Write user@host, ssh://user@host:port, or an alias of your ssh configuration.',
  });
}

/** One word for a POSIX shell, whatever it holds. */
function quoteWord(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** ssh joins its arguments with blanks for the login shell over there: each is quoted. */
export function remoteCommand(argv: readonly string[]): string {
  return argv.map(quoteWord).join(' ');
}

interface Cause {
  readonly pattern: RegExp;
  readonly message: string;
  readonly hint: (target: SshTarget) => string;
}

/** Messages of OpenSSH's client (C locale), first match wins. */
const causes: readonly Cause[] = [
  {
    pattern: /REMOTE HOST IDENTIFICATION HAS CHANGED/,
    message: 'the host key is another one than before',
    hint: (target) =>
      `Was the host installed anew? Then forget the old key (ssh-keygen -R HOST) and compare the new one on the first login: ${sshByHand(target)}. If not, somebody may be in between.`,
  },
  {
    pattern: /Host key verification failed|No \S+ host key is known for/,
    message: 'the host key is not known',
    hint: (target) =>
      `Log in once by hand and compare the fingerprint: ${sshByHand(target)}. Or: ssh-keyscan HOST >> ~/.ssh/known_hosts`,
  },
  {
    pattern: /Permission denied \(|Too many authentication failures|No more authentication methods/,
    message: 'ssh refuses the login',
    hint: (target) =>
      `Try by hand: ${sshByHand(target)}. A key with a passphrase must be in the agent (ssh-add); a new host needs ssh-copy-id.`,
  },
  {
    pattern: /Could not resolve hostname|Name or service not known/,
    message: "the host's name is not known",
    hint: (target) => `Correct hosts.${target.name}.ssh in seawall.yml, or the HostName of its alias.`,
  },
  {
    pattern: /Can't open user config file|Bad configuration option|bad configuration options/,
    message: 'the ssh configuration cannot be read',
    hint: () => 'Correct the file (ssh_config in seawall.yml, or ~/.ssh/config).',
  },
  {
    pattern: /Connection refused/,
    message: 'nothing listens on the ssh port',
    hint: () => 'Start sshd there, or correct the port (ssh://user@host:port).',
  },
  {
    pattern: /timed out|No route to host|Network is unreachable|Host is down/,
    message: 'the host does not answer',
    hint: () => 'See whether it is switched on and reachable from here.',
  },
  {
    pattern: /Connection (closed|reset) by|kex_exchange_identification|Broken pipe|not responding/,
    message: 'the ssh connection was cut',
    hint: (target) => `Try by hand: ${sshByHand(target)}`,
  },
];

/** What ssh's own words mean, as an error with its remedy. */
export function explainSsh(stderr: string, target: SshTarget): SeawallError {
  const said = lastWords(stderr);
  const cause = causes.find(({ pattern }) => pattern.test(stderr));
  const message = cause?.message ?? 'ssh ended';
  return new SeawallError('unreachable', said === '' ? message : `${message} (${said})`, {
    where: target.name,
    hint: cause?.hint(target) ?? `Try by hand: ${sshByHand(target)}`,
    cause: new Error(stderr.trim().slice(-2000)),
  });
}

/**
 * Why Docker's socket cannot be had through ssh: sshd opens it with the rights of the user who logs in, and of its
 * failures says no more than "open failed". `state` is the exit code of {@link socketScript}.
 */
export function explainSocket(stderr: string, state: number | undefined, target: SshTarget): SeawallError {
  const said = [...stderr.matchAll(/open failed: (.*)/g)].at(-1)?.[1] ?? 'no answer';
  const error = (message: string, hint: string) =>
    new SeawallError('unreachable', message, { where: target.name, hint, cause: new Error(said) });
  const forbidden = explainForbidden(stderr, target);
  if (forbidden !== undefined) return forbidden;
  // sshd 9 and newer say of a socket that they may not open what they say of one that nobody listens on.
  if (state === socketStates.answers) return forbiddenForwarding(target, said);
  if (state === socketStates.missing)
    return error('Docker is not installed or not running there', 'Run: seawall machine setup.');
  if (state === socketStates.forbidden) {
    const hint = 'There: sudo usermod -aG docker USER, then log in anew; or: seawall machine setup';
    return error("no permission to use the host's Docker", hint);
  }
  return error('Docker does not answer there', 'There: systemctl status docker');
}

/** sshd refused a forwarding by its rules; undefined: it said nothing of the kind. */
export function explainForbidden(stderr: string, target: SshTarget): SeawallError | undefined {
  const said = /open failed: (administratively prohibited.*)/.exec(stderr)?.[1];
  return said === undefined ? undefined : forbiddenForwarding(target, said);
}

const forbiddenForwarding = (target: SshTarget, said: string): SeawallError =>
  new SeawallError('unreachable', 'sshd there forbids forwarding', {
    where: target.name,
    hint: 'There, in /etc/ssh/sshd_config: AllowStreamLocalForwarding yes and AllowTcpForwarding yes (and no DisableForwarding).',
    cause: new Error(said),
  });

const socketStates = { missing: 61, forbidden: 62, answers: 63 };

/** Looks at the socket `$1`, and whether Docker answers on it to somebody there. */
export const socketScript = `[ -S "$1" ] || exit ${socketStates.missing}; [ -w "$1" ] || exit ${socketStates.forbidden}
command -v docker >/dev/null 2>&1 && docker --host "unix://$1" version >/dev/null 2>&1 && exit ${socketStates.answers}; exit 0`;

function lastWords(stderr: string): string {
  const lines = stderr.split(/\r?\n/).map((line) => line.trim());
  return lines.findLast((line) => line !== '' && !/^@|^(Warning|debug\d):/.test(line)) ?? '';
}
