/** What of an image's configuration decides how its containers run; the same names in an engine's answer and in the file. */
const runFields = [
  'Cmd',
  'Entrypoint',
  'Env',
  'ExposedPorts',
  'Healthcheck',
  'Labels',
  'Shell',
  'StopSignal',
  'User',
  'Volumes',
  'WorkingDir',
];

type Fields = Readonly<Record<string, unknown>>;

/**
 * An image's configuration as a text that is the same on every engine: one leaves out what is empty, another writes null.
 * Both stores give all of these fields (moby `daemon/containerd/imagespec.go`, since 25).
 */
export function configText(config: object | null | undefined): string {
  const all: Fields = { ...config };
  const given = { ...all, Healthcheck: healthcheckOf(all.Healthcheck) } as Fields;
  return JSON.stringify(sortedKeys(withoutEmpty(runFields.map((name) => [name, given[name]]))));
}

/** Engines before 25 do not know the field StartInterval (API 1.44) and drop it from their answer. */
function healthcheckOf(value: unknown): Fields {
  return withoutEmpty(Object.entries(value ?? {}).filter(([name]) => name !== 'StartInterval'));
}

function withoutEmpty(entries: readonly (readonly [string, unknown])[]): Fields {
  return Object.fromEntries(entries.filter(([, value]) => !isEmpty(value)));
}

function isEmpty(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.keys(value).length === 0;
  return value === undefined || value === null || value === '' || value === 0;
}

function sortedKeys(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([name, each]) => [name, sortedKeys(each)]));
}
