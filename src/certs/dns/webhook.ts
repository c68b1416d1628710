import type { DnsHook } from '../../catalog/tls-record.ts';
import { SeawallError } from '../../errors.ts';
import type { Call } from '../ports.ts';
import type { DnsProvider } from './provider.ts';

type Webhook = Extract<DnsHook, { readonly kind: 'webhook' }>;

const TIMEOUT_MS = 60_000;

/** Asks an HTTP service: `POST url` with JSON `{ action, fqdn, value }`; 2xx means done. Redirects are not followed. */
export function webhookProvider(hook: Webhook, timeoutMs = TIMEOUT_MS): DnsProvider {
  return {
    present: (fqdn, value, call) => post(hook, { action: 'present', fqdn, value }, { timeoutMs, ...call }),
    cleanup: (fqdn, value, call) => post(hook, { action: 'cleanup', fqdn, value }, { timeoutMs, ...call }),
  };
}

interface Order {
  readonly action: 'present' | 'cleanup';
  readonly fqdn: string;
  readonly value: string;
}

async function post(
  { url, token }: Webhook,
  order: Order,
  { timeoutMs, signal }: Call & { readonly timeoutMs: number },
): Promise<void> {
  const limit = AbortSignal.timeout(timeoutMs);
  const place = URL.canParse(url) ? new URL(url).host : 'its address';
  const where = `${order.action} ${order.fqdn}`;
  let status: number;
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify(order),
      redirect: 'error',
      signal: signal === undefined ? limit : AbortSignal.any([limit, signal]),
    });
    status = response.status;
    await response.body?.cancel();
  } catch (cause) {
    signal?.throwIfAborted();
    const how = limit.aborted ? `did not answer within ${timeoutMs / 1000} s` : 'does not answer';
    throw new SeawallError('unreachable', `the DNS webhook at ${place} ${how}`, {
      where,
      hint: 'It is asked by the host that leads: see that it is reachable from every host with the role `edge`.',
      cause,
    });
  }
  if (status >= 200 && status < 300) return;
  throw new SeawallError('refused', `the DNS webhook at ${place} answered ${status}`, {
    where,
    hint: 'Its own log says why.',
  });
}
