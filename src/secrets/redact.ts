/**
 * Environment as views show it: the name, and eight digits of a hash, so that a change is seen but no value.
 * @param sha256Hex hash function; a parameter, as this file is pure.
 */
export function redactEnv(
  env: Readonly<Record<string, string>>,
  sha256Hex: (text: string) => string,
): Record<string, string> {
  return Object.fromEntries(
    Object.keys(env)
      .toSorted()
      .map((name) => [name, redactValue(env[name] ?? '', sha256Hex)]),
  );
}

/** The same for the Engine's form, `NAME=value`; a bare `NAME` has nothing to hide. */
export function redactEnvList(env: readonly string[], sha256Hex: (text: string) => string): string[] {
  return env.map((pair) => {
    const cut = pair.indexOf('=');
    return cut === -1 ? pair : `${pair.slice(0, cut)}=${redactValue(pair.slice(cut + 1), sha256Hex)}`;
  });
}

/** Such as `…(1f2e3d4c)`. */
export function redactValue(value: string, sha256Hex: (text: string) => string): string {
  return `…(${sha256Hex(value).slice(0, 8)})`;
}
