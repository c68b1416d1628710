import { type Definition, METRICS } from './definitions.ts';

/** The reference page of the metrics, in Markdown. */
export function renderMetricsReference(): string {
  const rows = Object.entries<Definition>(METRICS).map(
    ([name, { help, labels, type = 'gauge' }]) =>
      `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${help} |`,
  );
  return `# Metrics

Written by \`npm run docs\` from \`src/metrics/definitions.ts\`: change that, not this page. What to make of them: [metrics](../metrics.md).

| metric | type | labels | meaning |
| --- | --- | --- | --- |
${rows.join('\n')}
`;
}
