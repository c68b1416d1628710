/**
 * Whether a folder lies on a mount that is read-only by itself while its file system is writable (proc(5), mountinfo: field 6 holds
 * the options of the mount, the last field those of the file system). Docker copies a read-only mount into a container so, and
 * no later remount on the host changes the copy: only a new start of the container does.
 * @param mountinfo text of `/proc/self/mountinfo`.
 */
export function isStaleReadOnlyMount(mountinfo: string, folder: string): boolean {
  const mounts = mountinfo.split('\n').flatMap((line) => {
    const fields = line.split(' ');
    const [point, options, superOptions] = [fields[4], fields[5], fields.at(-1)];
    if (point === undefined || options === undefined || superOptions === undefined) return [];
    return [
      { point: unescapeOctal(point), isReadOnly: has(options, 'ro'), isWritable: has(superOptions, 'rw') },
    ];
  });
  const above = mounts.filter(
    ({ point }) => folder === point || point === '/' || folder.startsWith(`${point}/`),
  );
  const longest = Math.max(...above.map(({ point }) => point.length));
  // Of several mounts on one place the last one is seen.
  const own = above.findLast(({ point }) => point.length === longest);
  return own?.isReadOnly === true && own.isWritable;
}

const has = (options: string, option: string): boolean => options.split(',').includes(option);

/** Blanks and the like are written in octal. */
const unescapeOctal = (text: string): string =>
  text.replaceAll(/\\([0-7]{3})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8)));
