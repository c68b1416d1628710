import type { Desired } from '../compose/desired.ts';
import { sha256 } from '../hash.ts';
import { catalogServiceName } from '../names.ts';

/** A Compose service's name in the catalog. */
export const catalogName = (desired: Pick<Desired, 'project'>, service: string): string =>
  catalogServiceName(desired.project, service, sha256);
