import type { ReleaseRecord } from './record.ts';

/** Project → its releases, oldest first; their content is sealed as it is in the catalog. */
export type ReleaseFile = Readonly<Record<string, readonly ReleaseRecord[]>>;

const PREFIX = 'seawall/releases/';

/** The releases in the text of a catalog's snapshot, for a file of their own: what a rebuilt catalog starts from. */
export function releasesIn(content: string): ReleaseFile {
  const releases: Record<string, ReleaseRecord[]> = {};
  for (const line of content.split('\n')) {
    // Cheaper than to read every line of a large catalog.
    if (!line.includes(`"${PREFIX}`)) continue;
    const { table, row } = JSON.parse(line.slice(9)) as { table: string; row: { Value: string | null } };
    if (table !== 'kv' || row.Value === null) continue;
    const record = JSON.parse(Buffer.from(row.Value, 'base64').toString('utf8')) as ReleaseRecord;
    const list = releases[record.project] ?? [];
    releases[record.project] = list;
    list.push(record);
  }
  for (const list of Object.values(releases)) list.sort((a, b) => a.number - b.number);
  return releases;
}
