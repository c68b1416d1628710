/** One comparison, with what was asked of it. */
export interface Ratio {
  readonly what: string;
  readonly value: number;
  /** `>= 3` or `<= 0.2`; absent: only told. */
  readonly asked?: { readonly is: '>=' | '<='; readonly than: number };
}

export interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
}

/** What one bench found. */
export interface Section {
  readonly title: string;
  /** How it was measured. */
  readonly how: string;
  readonly ratios: readonly Ratio[];
  readonly tables: readonly Table[];
  /** What is weaker than it should be or could not be measured. */
  readonly left: readonly string[];
  /** Every single measurement. */
  readonly raw: unknown;
}

/** A section with when and on what it was measured. */
export interface DatedSection extends Section {
  /** ISO time of its end. */
  readonly at: string;
  readonly commit: string;
  readonly seconds: number;
  /** A short run for development: fewer and shorter rounds. */
  readonly quick: boolean;
  readonly machine: string;
  readonly versions: Readonly<Record<string, string>>;
}

/** The result file for people. */
export function renderResults(sections: Readonly<Record<string, DatedSection>>): string {
  const head = `# Bench

Written by \`npm run bench\`. Every bench measures Seawall and the others in one run, interleaved, because the machines it runs on
are shared; the ratios are what counts. All machines of a bench are containers on one machine, and the load comes from the same
machine: what is measured is the work that a request costs, not what separate machines would carry. Raw figures: [bench.json](bench.json).
`;
  const parts = Object.entries(sections).map(([name, section]) => renderSection(name, section));
  return `${[head, ...parts].join('\n')}`;
}

function renderSection(name: string, section: DatedSection): string {
  const versions = Object.entries(section.versions).map(([program, version]) => `${program} ${version}`);
  return [
    `## ${section.title}`,
    '',
    `\`npm run bench -- ${name}${section.quick ? ' --quick' : ''}\`, ${section.at.slice(0, 16).replace('T', ' ')} UTC, commit ${section.commit}, ${Math.round(section.seconds)} s. ${section.machine}. ${versions.join(', ')}.`,
    '',
    section.how,
    '',
    ...(section.ratios.length === 0 ? [] : [renderTable(ratioTable(section.ratios)), '']),
    ...section.tables.flatMap((table) => [`**${table.title}**`, '', renderTable(table), '']),
    ...(section.left.length === 0
      ? []
      : ['What is left:', '', ...section.left.map((line) => `- ${line}`), '']),
  ].join('\n');
}

function ratioTable(ratios: readonly Ratio[]): Table {
  const rows = ratios.map(({ what, value, asked }) => [
    what,
    value.toFixed(2),
    asked === undefined ? '' : `${asked.is === '>=' ? '≥' : '≤'} ${asked.than}`,
    asked === undefined ? '' : isMet(value, asked) ? 'yes' : '**no**',
  ]);
  return { title: '', columns: ['ratio', 'measured', 'asked', 'met'], rows };
}

const isMet = (value: number, asked: { readonly is: '>=' | '<='; readonly than: number }): boolean =>
  asked.is === '>=' ? value >= asked.than : value <= asked.than;

/** A table as Markdown. */
export function renderTable({ columns, rows }: Omit<Table, 'title'>): string {
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |`;
  return [line(columns), line(columns.map(() => '---')), ...rows.map(line)].join('\n');
}
