import { COMPOSE_KEYS, type KeyRow } from './keys/index.ts';

const HEADINGS: ReadonlyArray<readonly [status: KeyRow['status'], heading: string, intro: string]> = [
  ['used', 'Used', 'These do what the Compose Specification says.'],
  [
    'translated',
    'Translated',
    'These are understood, and done differently on a cluster. Where it matters, the plan says so with file, line and column.',
  ],
  [
    'refused',
    'Refused',
    'A file with one of these is not deployed: the message names file, line and column, and what to write instead.',
  ],
];

/** The reference page of Compose keys, in Markdown. */
export function renderComposeReference(): string {
  const sections = HEADINGS.map(([status, heading, intro]) => {
    const own = COMPOSE_KEYS.filter((row) => row.status === status);
    return `## ${heading}\n\n${intro}\n\n| keys | ${status === 'refused' ? 'why | instead' : 'how'} |\n|---|---|${status === 'refused' ? '---|' : ''}\n${renderRows(own)}`;
  });
  const counts = HEADINGS.map(
    ([status]) => `${COMPOSE_KEYS.filter((row) => row.status === status).length} ${status}`,
  );
  return `# Compose keys

<!-- Made by scripts/docs.ts from src/compose/keys/. -->

Every key of the [Compose Specification](https://compose-spec.io) (the schema that Docker Compose 2.40 uses) is used, translated or
refused; none is ignored. Of ${COMPOSE_KEYS.length} keys ${counts.join(', ')}. \`*\` stands for a name, or an item of a list. Short
and long forms are alike. Keys that start with \`x-\` are free; \`x-seawall\` in a service takes:

| key | meaning |
|---|---|
| \`drain\` | Longest time between "no new requests" and the stop signal. (Default: 30s.) |
| \`singleton\` | \`true\`: never two replicas, not even for a moment. (Default: false.) |
| \`build.on\` | Host that builds the image. (Default: this machine.) |
| \`certificate\` | \`true\` or a map: the replicas speak TLS themselves, with a certificate of the private CA that is kept for them. (Default: false.) |
| \`certificate.names\` | DNS names that it is for; the edges ask for the first. (Default: \`SERVICE.PROJECT.internal\`, \`SERVICE\` and the aliases.) |
| \`certificate.path\` | Folder in the container with \`cert.pem\`, \`key.pem\` and \`ca.pem\`, read-only. (Default: /run/seawall/tls.) |
| \`certificate.reload\` | \`SIGHUP\`, \`SIGUSR1\` or \`SIGUSR2\`, sent to the replicas after a renewal; \`none\`: the program looks for new files itself. (Default: none.) |
| \`certificate.uid\`, \`certificate.gid\` | Who may read the key. (Default: the user that the container runs as.) |

${sections.join('\n')}`;
}

/** Keys with the same sentence share a row. */
function renderRows(rows: readonly KeyRow[]): string {
  const groups = Map.groupBy(rows, ({ text, remedy }) =>
    [text, ...(remedy === undefined ? [] : [remedy])].join(' | '),
  );
  return [...groups]
    .map(([text, own]) => `| ${own.map(({ key }) => `\`${key}\``).join(' ')} | ${text} |\n`)
    .join('');
}
