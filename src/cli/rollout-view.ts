import { planCounts } from '../plan/index.ts';
import type { FailureReport, RolloutResult, TrafficSummary, TransferSummary } from '../rollout/index.ts';
import { type Style, styleFor } from '../style.ts';
import { counted, megabytes, seconds, thousands } from './amounts.ts';
import { certificateWords } from './cert-words.ts';
import { printable, table } from './table.ts';

/** What a deploy, rollback or scale came to, for people: outcome, traffic, failure, what to do next. Ends with a newline. */
export function viewResult(result: RolloutResult, { colour }: { readonly colour: boolean }): string {
  const style = styleFor(colour);
  const parts = [
    [headline(result, style), ...summary(result, style)],
    result.failure === undefined ? [] : viewFailure(result, result.failure, style),
    result.outcome === 'mixed' ? mixedCommands(result, style) : [],
    schemaWarnings(result, style),
    result.notices.map((notice) => `  ${style('yellow', '!')} ${notice}`),
    result.failure === undefined ? nextCommands(result, style) : [],
  ];
  return `${parts
    .filter((part) => part.length > 0)
    .map((part) => part.join('\n'))
    .join('\n\n')}\n`;
}

const isInterrupted = ({ failure }: RolloutResult): boolean =>
  failure?.service === '' && failure.what === 'interrupted';

function mixedCommands(result: RolloutResult, style: Style): string[] {
  const goesOn = isInterrupted(result) ? 'to go on' : 'once the cause is gone';
  return [
    `  ${style('green', '→')} seawall ps shows what runs; then seawall rollback, or seawall deploy ${goesOn}`,
  ];
}

function headline(result: RolloutResult, style: Style): string {
  const { project, outcome, release, durationMs, onPurpose } = result;
  const fate = isInterrupted(result) ? 'was interrupted' : 'failed';
  const time = style('dim', ` (${seconds(durationMs)})`);
  const name = style('bold', project);
  const serving =
    release === undefined
      ? 'nothing of it served before, and nothing of it runs'
      : `release ${release} serves everywhere`;
  switch (outcome) {
    case 'done':
      return `${style('green', '✔')} ${name}: release ${release} serves${time}`;
    case 'unchanged':
      return `${style('green', '✔')} ${name}: nothing to do${release === undefined ? '' : `, release ${release} serves`}`;
    case 'reverted':
      return `${style('red', '✘')} ${name}: it ${fate} and was rolled back; ${serving}${time}`;
    case 'mixed':
      if (onPurpose === 'pause')
        return `${style('yellow', '!')} ${name}: release ${release} is paused, as its failure_action says: ${style('bold', 'replicas of two releases run')}${time}`;
      if (onPurpose === 'continue')
        return `${style('yellow', '!')} ${name}: release ${release} serves, but some of its replicas failed, which its failure_action lets pass${time}`;
      return `${style('red', '✘')} ${name}: it ${fate} and could not be undone: ${style('bold', 'replicas of two releases may be running')}${time}`;
  }
}

/** What replacing a cluster's only edge cost. */
export const gapLine = (ms: number): string =>
  `while the edge was replaced no connection was accepted for ${thousands(ms)} ms`;

function summary(result: RolloutResult, style: Style): string[] {
  const { plan, outcome, traffic, transfer, edgeGapsMs = {} } = result;
  return [
    ...(outcome === 'done' ? [`  ${planCounts(plan)}`] : []),
    ...(traffic === undefined ? [] : [`  ${trafficLine(traffic, style)}`]),
    ...(transfer === undefined || transfer.sentLayers === 0 ? [] : [`  ${transferLine(transfer)}`]),
    ...Object.entries(edgeGapsMs).map(([host, ms]) => `  ${host}: ${gapLine(ms)}`),
    ...viewUrls(result, style),
  ];
}

/** Each address with who issued its certificate; why the private CA serves is said once for a domain. */
function viewUrls({ urls, certificates = [] }: RolloutResult, style: Style): string[] {
  const said = new Set<string>();
  return urls.flatMap((url) => {
    const { hostname, protocol } = new URL(url);
    const found = certificates.find(({ domain }) => protocol === 'https:' && domain === hostname);
    const shown = `  ${style('cyan', url)}`;
    if (found === undefined) return [shown];
    const [words, ...lines] = certificateWords(found.certificate, style);
    const isNew = !said.has(hostname);
    said.add(hostname);
    return [`${shown}  ${words}`, ...(isNew ? lines.map((line) => `    ${line}`) : [])];
  });
}

/** `12,481 requests during the rollout, 0 failed, p99 41 ms; 3 replicas drained (longest 2.1 s), 0 sockets cut` */
function trafficLine(traffic: TrafficSummary, style: Style): string {
  const { requests, failed, away, p99Ms, drainedReplicas, longestDrainMs, socketsCut, missing } = traffic;
  const lost = failed - away;
  const failures = style(lost > 0 ? 'red' : 'green', `${thousands(lost)} failed`);
  const answered =
    requests === 0
      ? 'no requests during the rollout'
      : `${counted(requests, 'request')} during the rollout, ${failures}`;
  return [
    answered,
    away > 0 ? `, ${style('yellow', `${thousands(away)} while a service was announced away`)}` : '',
    requests === 0 ? '' : `, p99 ${Math.round(p99Ms)} ms`,
    drainedReplicas === 0
      ? ''
      : `; ${counted(drainedReplicas, 'replica')} drained (longest ${seconds(longestDrainMs)})`,
    drainedReplicas === 0 ? '' : `, ${counted(socketsCut, 'socket')} cut`,
    missing.length === 0 ? '' : style('yellow', `; not counted: ${missing.join(', ')} did not report`),
  ].join('');
}

/** `images: 1.1 MB sent from here, 2.1 MB from host to host; 3 layers new, 12 were there` */
function transferLine(transfer: TransferSummary): string {
  const { uploadedBytes, betweenHostsBytes, sentLayers, skippedLayers } = transfer;
  const between = betweenHostsBytes === 0 ? '' : `, ${megabytes(betweenHostsBytes)} from host to host`;
  const there = skippedLayers === 0 ? '' : `, ${thousands(skippedLayers)} were there`;
  return `images: ${megabytes(uploadedBytes)} sent from here${between}; ${counted(sentLayers, 'layer')} new${there}`;
}

function viewFailure(result: RolloutResult, failure: FailureReport, style: Style): string[] {
  const { service, host, container, what, lastProbe, log, likelyCause, nextCommand, schemaMayHaveChanged } =
    failure;
  const rows = [
    ...(lastProbe === undefined ? [] : [['last probe', printable(lastProbe)]]),
    ...(likelyCause === undefined ? [] : [['likely cause', style('bold', printable(likelyCause))]]),
    ...(schemaMayHaveChanged
      ? [
          [
            'database',
            style('yellow', 'the task may have changed the schema before it failed; that is not undone'),
          ],
        ]
      : []),
  ];
  const said =
    log.length === 0
      ? ['  it wrote nothing to its log']
      : [`  last ${counted(log.length, 'line')} of its log:`];
  if (isInterrupted(result))
    return result.outcome === 'reverted' ? againCommand(printable(nextCommand), style) : [];
  if (service === '') return [`  ${printable(what)}`, `  ${style('green', '→')} ${nextCommand}`];
  return [
    `  ${style('bold', service)} on ${style('bold', host)} (${container}): ${printable(what)}`,
    ...(rows.length === 0
      ? []
      : table(rows)
          .split('\n')
          .map((line) => `  ${line}`)),
    '',
    ...said,
    ...log.map((line) => `  ${style('dim', '|')} ${printable(line)}`),
    '',
    `  ${style('green', '→')} ${nextCommand}`,
  ];
}

/** After Ctrl-C nothing has to be mended. */
const againCommand = (command: string, style: Style): string[] => [
  '  nothing failed, and nothing has to be mended',
  `  ${style('green', '→')} ${style('bold', command)} begins again; seawall plan shows what it would do`,
];

function schemaWarnings({ tasksSince }: RolloutResult, style: Style): string[] {
  return [...Map.groupBy(tasksSince, ({ task }) => task)].map(([task, runs]) => {
    const [first, ...more] = [...new Set(runs.map(({ release }) => release))];
    const releases =
      more.length === 0
        ? `release ${first}, which does not serve now`
        : `releases ${[first, ...more.slice(0, -1)].join(', ')} and ${more.at(-1)}, which do not serve now`;
    return `  ${style('yellow', '!')} ${task} ran in ${releases}: if it changed something (such as a database schema), that was not undone`;
  });
}

function nextCommands({ outcome, plan }: RolloutResult, style: Style): string[] {
  if (outcome !== 'done') return [];
  const isFirst = plan.changes.every(({ kind }) => kind !== 'replace-replica' && kind !== 'stop-replica');
  const rows = [
    ['seawall ps', style('dim', 'what runs')],
    ['seawall logs -f', style('dim', 'what it says')],
    isFirst
      ? ['seawall down', style('dim', 'take it away again; volumes are kept')]
      : ['seawall rollback', style('dim', 'back to the release before')],
  ];
  return table(rows)
    .split('\n')
    .map((line) => `  ${line}`);
}
