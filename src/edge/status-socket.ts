import { request } from 'node:http';

/** GETs a path from a server on a unix socket. @returns the body of a 200 answer, undefined for anything else. */
export function getFromSocket(
  socketPath: string,
  path: string,
  options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const call = request({ socketPath, path, agent: false, timeout: options.timeoutMs });
    const limit = setTimeout(() => call.destroy(), options.timeoutMs);
    const onAbort = () => call.destroy();
    options.signal?.addEventListener('abort', onAbort, { once: true });
    const finish = (body: string | undefined) => {
      clearTimeout(limit);
      options.signal?.removeEventListener('abort', onAbort);
      resolve(body);
    };
    call.on('error', () => finish(undefined));
    call.on('close', () => finish(undefined));
    call.on('response', (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        body += chunk;
      });
      response.on('end', () => finish(response.statusCode === 200 ? body : undefined));
      response.on('error', () => finish(undefined));
    });
    call.end();
  });
}
