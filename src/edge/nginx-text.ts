import type { EdgeSettings } from './model.ts';

/** `listen` lines for plain HTTP. @param suffix for the one server that decides how the sockets are opened. */
export const listenPlain = (settings: EdgeSettings, suffix = ''): string =>
  listen(settings, settings.httpPort, `${proxyProtocol(settings)}${suffix}`, suffix !== '');

/** `listen` lines for HTTPS, and for HTTP/3 where it is served. */
export function listenTls(settings: EdgeSettings, suffix = ''): string {
  const { httpsPort } = settings.rules;
  const isFirst = suffix !== '';
  const lines = [listen(settings, httpsPort, ` ssl${proxyProtocol(settings)}${suffix}`, isFirst)];
  // One socket a worker: packets of a connection stay with the worker that has it.
  if (servesHttp3(settings))
    lines.push(listen(settings, httpsPort, ` quic${isFirst ? ' reuseport' : ''}${suffix}`, isFirst));
  return lines.join('\n');
}

function listen({ ipv6 }: EdgeSettings, port: number, suffix: string, isFirst: boolean): string {
  const lines = [`listen 0.0.0.0:${port}${suffix};`];
  if (ipv6) lines.push(`listen [::]:${port}${suffix}${isFirst ? ' ipv6only=on' : ''};`);
  return lines.join('\n');
}

const proxyProtocol = ({ rules }: EdgeSettings): string => (rules.proxyProtocol ? ' proxy_protocol' : '');

/** Asked for, and this nginx has it. */
export const servesHttp3 = ({ rules, capabilities }: EdgeSettings): boolean =>
  rules.http3 && capabilities.http3;

/** Two spaces before every line that is not empty. */
export const indent = (text: string): string => text.replaceAll(/^(?=.)/gm, '  ');

/** A name as it may stand in a comment. */
export const commentText = (text: string): string => text.replaceAll(/[^\p{L}\p{N}._-]/gu, '?');
