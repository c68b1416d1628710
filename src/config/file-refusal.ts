import type { ContentRefusal } from '../compose/index.ts';
import { SeawallError } from '../errors.ts';

const SAID: Readonly<Record<string, readonly [text: string, remedy: string]>> = {
  ENOENT: ['does not exist', 'Create it, or name another.'],
  ENOTDIR: ['is not a folder', 'Name a folder.'],
  EISDIR: ['is not a file', 'Name a file.'],
  ELOOP: ['is a link that leads to itself', 'Let it lead to a file or folder.'],
};
const NOT_PERMITTED = [
  'cannot be read: permission denied',
  'Make it readable with chmod or chown; in the folder of a build it may be named in .dockerignore instead.',
] as const;

/**
 * What is said of a file or folder that the file system does not give, or whose text is wrong.
 * @param path the one that was asked for, where the error names none.
 * @throws anything that is no such error.
 */
export function fileRefusal(error: unknown, path: string, show: (path: string) => string): ContentRefusal {
  if (error instanceof SeawallError && error.code === 'input') {
    const where = error.where === undefined ? '' : `${show(error.where)}: `;
    return { text: `${where}${error.message}`, remedy: error.hint ?? 'Correct it.' };
  }
  const { code, syscall, path: at = path } = error as NodeJS.ErrnoException;
  if (code === undefined || syscall === undefined) throw error;
  const isPermission = code === 'EACCES' || code === 'EPERM';
  const [text, remedy] = isPermission
    ? NOT_PERMITTED
    : (SAID[code] ?? [`cannot be read (${code})`, 'See whether its disk is in order.']);
  return { text: `${show(at)} ${text}`, remedy };
}
