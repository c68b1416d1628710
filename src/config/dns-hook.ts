import type { KeyPath } from '../problems.ts';
import type { TlsContext } from './tls-context.ts';
import type { DnsInput } from './tls-schema.ts';

/** The hook that puts TXT records into the DNS, put aside as a secret; undefined when something is wrong. @returns its SHA-256 */
export function settleDns(written: DnsInput, path: KeyPath, context: TlsContext): string | undefined {
  const kinds = (['exec', 'webhook', 'rfc2136'] as const).filter((kind) => written[kind] !== undefined);
  if (kinds.length !== 1) {
    const text =
      kinds.length === 0
        ? 'nothing says how records get into the DNS'
        : 'records get into the DNS in one way';
    context.report(path, text, 'Write one of "exec", "webhook" and "rfc2136".');
    return undefined;
  }
  const stray = written.exec === undefined && written.env !== undefined ? 'env' : undefined;
  const lone = written.webhook === undefined && written.token_file !== undefined ? 'token_file' : undefined;
  for (const key of [stray, lone]) {
    if (key === undefined) continue;
    const owner = key === 'env' ? 'exec' : 'webhook';
    context.report([...path, key], `"${key}" belongs to "${owner}"`, 'Remove it.', { what: 'key' });
    return undefined;
  }
  const hook =
    execHook(written, path, context) ?? webhook(written, path, context) ?? updates(written, path, context);
  return hook === undefined ? undefined : context.keepSecret(JSON.stringify(hook));
}

function execHook({ exec, env = {} }: DnsInput, path: KeyPath, context: TlsContext): object | undefined {
  if (exec === undefined) return undefined;
  const script = context.readFile([...path, 'exec'], exec);
  const values: Record<string, string> = {};
  for (const name of Object.keys(env).sort()) {
    const value = env[name] ?? context.parts.env[name];
    if (value !== undefined) values[name] = value;
    else
      context.report(
        [...path, 'env', name],
        `the variable ${name} is not set where this command runs`,
        `Set it (export ${name}=…), or write its value.`,
      );
  }
  const isWhole = Object.keys(values).length === Object.keys(env).length;
  return script === undefined || !isWhole ? undefined : { kind: 'exec', script, env: values };
}

function webhook(
  { webhook: url, token_file: file }: DnsInput,
  path: KeyPath,
  context: TlsContext,
): object | undefined {
  if (url === undefined) return undefined;
  if (file === undefined) return { kind: 'webhook', url };
  if (!url.startsWith('https:')) {
    context.report(
      [...path, 'webhook'],
      'a token would go over the network in clear',
      'Write an https:// address, or leave "token_file" out.',
    );
    return undefined;
  }
  const token = context.readFile([...path, 'token_file'], file)?.trim();
  if (token === undefined) return undefined;
  // RFC 6750 section 2.1: what a bearer token may consist of.
  if (/^[A-Za-z0-9._~+/-]+=*$/.test(token)) return { kind: 'webhook', url, token };
  context.report(
    [...path, 'token_file'],
    'the file does not hold one token alone',
    'Put the token there and nothing else.',
  );
  return undefined;
}

function updates({ rfc2136 }: DnsInput, path: KeyPath, context: TlsContext): object | undefined {
  if (rfc2136 === undefined) return undefined;
  const { server, port = 53, zone, key_name: keyName, key_file: file, algorithm = 'hmac-sha256' } = rfc2136;
  const at = [...path, 'rfc2136', 'key_file'];
  const key = context.readFile(at, file)?.trim();
  if (key === undefined) return undefined;
  if (/^[A-Za-z0-9+/]+={0,2}$/.test(key) && key.length % 4 === 0)
    return {
      kind: 'rfc2136',
      server,
      port,
      ...(zone === undefined ? {} : { zone }),
      keyName,
      key,
      algorithm,
    };
  context.report(
    at,
    'the file does not hold a key in base64 alone',
    'Put there what stands after "secret" in the key file of the name server, without quotes.',
  );
  return undefined;
}
