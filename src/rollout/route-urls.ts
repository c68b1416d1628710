import type { Session } from './session.ts';

/** Where the project's routes are served. */
export function routeUrls({ desired, config }: Pick<Session, 'desired' | 'config'>): string[] {
  const { httpPort, rules } = config.edge;
  return desired.routes.map(({ domain, path, tls }) =>
    tls === 'off'
      ? `http://${domain}${httpPort === 80 ? '' : `:${httpPort}`}${path}`
      : `https://${domain}${rules.httpsPort === 443 ? '' : `:${rules.httpsPort}`}${path}`,
  );
}
