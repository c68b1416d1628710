const NANOSECONDS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
  d: 86_400e9,
  w: 604_800e9,
};

/**
 * Nanoseconds of a duration such as `1m30s`, `1.5h`, `100ms`, `2d` or `0` (Compose Specification,
 * "Specifying durations"); `undefined` when it is none.
 */
export function parseDuration(text: string): number | undefined {
  if (text === '0') return 0;
  if (
    !/^-?(\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h|d|w)((\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h|d|w))*$/.test(text)
  )
    return undefined;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h|d|w)/g)) {
    total += Number(amount) * (NANOSECONDS[unit ?? ''] ?? 0);
  }
  return text.startsWith('-') ? -Math.round(total) : Math.round(total);
}

/** Milliseconds of a duration; `undefined` when it is none. */
export function parseDurationMs(text: string): number | undefined {
  const nanoseconds = parseDuration(text);
  return nanoseconds === undefined ? undefined : nanoseconds / 1e6;
}

/** A duration in nanoseconds in the form of Go's `time.Duration`, such as `1m30s`. */
export function showDuration(nanoseconds: number): string {
  if (nanoseconds === 0) return '0s';
  const sign = nanoseconds < 0 ? '-' : '';
  const size = Math.abs(nanoseconds);
  if (size < 1e3) return `${sign}${size}ns`;
  if (size < 1e6) return `${sign}${size / 1e3}µs`;
  if (size < 1e9) return `${sign}${size / 1e6}ms`;
  const hours = Math.floor(size / 3600e9);
  const minutes = Math.floor((size % 3600e9) / 60e9);
  const seconds = Number(((size % 60e9) / 1e9).toFixed(9));
  if (hours > 0) return `${sign}${hours}h${minutes}m${seconds}s`;
  return minutes > 0 ? `${sign}${minutes}m${seconds}s` : `${sign}${seconds}s`;
}

const BINARY_STEP: Readonly<Record<string, number>> = { '': 0, k: 1, m: 2, g: 3, t: 4, p: 5 };

/**
 * Bytes of a size such as `512M`, `1.5gb`, `64k` or `1024`; every unit is a power of 1024, as in Docker
 * (go-units `RAMInBytes`). `undefined` when it is none.
 */
export function parseBytes(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?|\.\d+) ?([kmgtp]?)(i?b)?$/i.exec(text.trim());
  if (match === null) return undefined;
  const [, amount, unit = ''] = match;
  return Math.trunc(Number(amount) * 1024 ** (BINARY_STEP[unit.toLowerCase()] ?? 0));
}
