import { type KeyPath, type Problem, problemAt } from '../problems.ts';
import { interpolate, type Lookup } from './interpolate.ts';
import { list, mapValues, type Node, type Scalar, scalar } from './node.ts';
import { patternTable, ruleAt } from './pattern.ts';

type Cast = (text: string) => Scalar | undefined;

const whole: Cast = (text) => (/^[-+]?\d+$/.test(text) ? Number(text) : undefined);
const decimal: Cast = (text) =>
  text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : undefined;
const truth: Cast = (text) => {
  if (/^(true|y|yes|on)$/i.test(text)) return true;
  return /^(false|n|no|off)$/i.test(text) ? false : undefined;
};

const WORDS: ReadonlyMap<Cast, string> = new Map([
  [whole, 'a whole number'],
  [decimal, 'a number'],
  [truth, 'true or false'],
]);

const underService = (casts: Readonly<Record<string, Cast>>) =>
  Object.fromEntries(Object.entries(casts).map(([key, cast]) => [`services.*.${key}`, cast]));

/** Keys whose text becomes a number or a truth value, so that `"${REPLICAS}"` works; as compose-go 2.9 casts them. */
const CASTS = patternTable<Cast>({
  ...underService({
    cpu_count: whole,
    cpu_percent: decimal,
    cpu_period: whole,
    cpu_quota: whole,
    cpu_rt_period: whole,
    cpu_rt_runtime: whole,
    cpus: decimal,
    cpu_shares: whole,
    init: truth,
    'deploy.replicas': whole,
    'deploy.update_config.parallelism': whole,
    'deploy.update_config.max_failure_ratio': decimal,
    'deploy.rollback_config.parallelism': whole,
    'deploy.rollback_config.max_failure_ratio': decimal,
    'deploy.restart_policy.max_attempts': whole,
    'deploy.placement.max_replicas_per_node': whole,
    'healthcheck.retries': whole,
    'healthcheck.disable': truth,
    oom_kill_disable: truth,
    oom_score_adj: whole,
    pids_limit: whole,
    'ports.*.target': whole,
    privileged: truth,
    read_only: truth,
    scale: whole,
    stdin_open: truth,
    tty: truth,
    'ulimits.*': whole,
    'ulimits.*.hard': whole,
    'ulimits.*.soft': whole,
    'volumes.*.read_only': truth,
    'volumes.*.volume.nocopy': truth,
  }),
  'networks.*.external': truth,
  'networks.*.internal': truth,
  'networks.*.attachable': truth,
  'networks.*.enable_ipv4': truth,
  'networks.*.enable_ipv6': truth,
  'volumes.*.external': truth,
  'secrets.*.external': truth,
  'configs.*.external': truth,
});

/** The tree with variables replaced in every text value (never in keys) and texts cast where a number or truth value belongs. */
export function interpolateTree(
  root: Node,
  lookup: Lookup,
): { readonly root: Node; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const visit = (node: Node, path: KeyPath): Node => {
    if (node.kind === 'map') return mapValues(node, (value, key) => visit(value, [...path, key]));
    if (node.kind === 'list')
      return list(
        node.items.map((item, index) => visit(item, [...path, index])),
        node.place,
      );
    if (typeof node.value !== 'string') return node;
    const { text, errors, unset } = interpolate(node.value, lookup);
    for (const name of unset)
      problems.push({
        ...problemAt(node.place, path, `the variable ${name} is not set and became empty`, UNSET_REMEDY),
        severity: 'warning',
      });
    for (const error of errors) problems.push(problemAt(node.place, path, error, remedyFor(error)));
    const cast = ruleAt(CASTS, path);
    if (cast === undefined || errors.length > 0) return scalar(text, node.place);
    const value = cast(text);
    if (value === undefined)
      problems.push(problemAt(node.place, path, `must be ${WORDS.get(cast)}, not "${text}"`));
    return scalar(value ?? text, node.place);
  };
  return { root: visit(root, []), problems };
}

const UNSET_REMEDY =
  'Set it in .env or in the environment, give it a default, or write "$$" for a dollar sign.';

function remedyFor(error: string): string | undefined {
  return error.startsWith('the variable')
    ? 'Set it in .env, or in the environment of this command.'
    : undefined;
}
