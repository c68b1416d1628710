import { type ErrorDetail, SeawallError } from '../errors.ts';

/** Docker answered a request with an error. */
export class DockerError extends SeawallError {
  /** HTTP status; 0 when the error came inside a stream that had begun with 200 (pull, load). */
  readonly status: number;

  constructor(status: number, message: string, detail: ErrorDetail = {}) {
    super('docker', message, detail);
    this.name = 'DockerError';
    this.status = status;
  }
}

/** Docker does not know the container, image, network, volume or path (404). */
export function isNotFound(error: unknown): boolean {
  return error instanceof DockerError && error.status === 404;
}

/** The name is taken, or the thing is in a state or in use that forbids the request (409). */
export function isConflict(error: unknown): boolean {
  return error instanceof DockerError && error.status === 409;
}

/** Turns what a socket to Docker throws into a sentence with the next step. */
export function connectionError(error: unknown, socketPath: string, where: string): unknown {
  const code = (error as NodeJS.ErrnoException).code;
  const detail = { where, cause: error };
  switch (code) {
    case 'ENOENT':
      return new SeawallError('unreachable', `no Docker answers at ${socketPath}`, {
        ...detail,
        hint: 'Install Docker and start it: systemctl start docker',
      });
    case 'ECONNREFUSED':
    case 'ECONNRESET':
    case 'EPIPE':
      return new SeawallError('unreachable', 'the connection to Docker was refused or cut', {
        ...detail,
        hint: 'See whether Docker runs there: systemctl status docker',
      });
    case 'EACCES':
    case 'EPERM':
      return new SeawallError('unreachable', `no permission to use Docker's socket ${socketPath}`, {
        ...detail,
        hint: 'Add the user to the group "docker" and log in again: usermod -aG docker USER',
      });
    default:
      return error;
  }
}

/** Waits for the removal of something; when somebody else removed it meanwhile, that is fine. */
export async function goneIsFine(removal: Promise<unknown>): Promise<void> {
  try {
    await removal;
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
