import type { Session } from './session.ts';

/** Where the project's routes are served. */
export function routeUrls({ desired, config }: Pick<Session, 'desired' | 'config'>): string[] {
  const port = config.edge.httpPort === 80 ? '' : `:${config.edge.httpPort}`;
  return desired.routes.map((route) => `http://${route.domain}${port}${route.path}`);
}
