/** A duration for people: `0.4 s`, `12 s`, `3 min 5 s`. */
export function seconds(ms: number): string {
  const value = ms / 1000;
  if (value < 9.95) return `${value.toFixed(1)} s`;
  const whole = Math.round(value);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** How long ago something was, in its largest unit: `8 s`, `3 min`, `5 h`, `12 d`. */
export function age(ms: number): string {
  const passed = Math.max(0, Math.floor(ms / 1000));
  if (passed < 60) return `${passed} s`;
  if (passed < 3600) return `${Math.floor(passed / 60)} min`;
  if (passed < 172_800) return `${Math.floor(passed / 3600)} h`;
  return `${Math.floor(passed / 86_400)} d`;
}

/** `12,481` */
export const thousands = (count: number): string => count.toLocaleString('en-US');

/** `120 MB`; powers of 1000. */
export function megabytes(bytes: number): string {
  if (bytes < 1e6) return `${Math.ceil(bytes / 1e3)} kB`;
  return bytes < 1e9 ? `${Math.round(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

/** `1 replica`, `2 replicas`. */
export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${thousands(count)} ${count === 1 ? one : many}`;
