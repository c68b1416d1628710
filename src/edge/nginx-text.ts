import type { EdgeSettings } from './model.ts';

/** `listen` lines for plain HTTP. @param suffix for the one server that decides how the sockets are opened. */
export function listenPlain({ httpPort, ipv6 }: EdgeSettings, suffix = ''): string {
  const lines = [`listen 0.0.0.0:${httpPort}${suffix};`];
  if (ipv6) lines.push(`listen [::]:${httpPort}${suffix}${suffix === '' ? '' : ' ipv6only=on'};`);
  return lines.join('\n');
}

/** Two spaces before every line that is not empty. */
export const indent = (text: string): string => text.replaceAll(/^(?=.)/gm, '  ');

/** A name as it may stand in a comment. */
export const commentText = (text: string): string => text.replaceAll(/[^\p{L}\p{N}._-]/gu, '?');
