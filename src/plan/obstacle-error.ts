import { SeawallError } from '../errors.ts';
import type { Obstacle } from './change.ts';

/** Nothing can be planned: carries everything that is in the way. `unreachable` when a host that does not answer is. */
export class ObstacleError extends SeawallError {
  readonly obstacles: readonly Obstacle[];

  constructor(obstacles: readonly Obstacle[]) {
    const isUnreachable = obstacles.some((each) => each.isUnreachable);
    const text = obstacles.map(({ path, message }) => `${path}: ${message}`).join('\n');
    super(isUnreachable ? 'unreachable' : 'refused', text);
    this.name = 'ObstacleError';
    this.obstacles = obstacles;
  }
}
