import { isDeepStrictEqual } from 'node:util';
import { type ClusterFile, defaultEdgeRules, type EdgeRules } from '../../cluster.ts';
import { type ClusterSetting, RULE_KEYS } from '../../cluster-settings.ts';

/** The rules as they stand in a cluster file: the usual ones are left out, so that files of before HTTPS say the same. */
export const filedRules = (rules: EdgeRules): Pick<ClusterFile, 'edge'> =>
  isDeepStrictEqual(rules, defaultEdgeRules) ? {} : { edge: rules };

/** A cluster file with other rules of the edge. */
export function withRules({ edge: _before, ...file }: ClusterFile, rules: EdgeRules): ClusterFile {
  return { ...file, ...filedRules(rules) };
}

/** What differs of ports and rules of the edges, and who had set it, as reasons for a setup. */
export function ruleReasons(
  { edge = defaultEdgeRules, httpPort, settledBy = {} }: Pick<ClusterFile, 'edge' | 'httpPort' | 'settledBy'>,
  wanted: { readonly httpPort: number; readonly rules: EdgeRules },
  project: string,
): string[] {
  const show = (value: unknown): string =>
    Array.isArray(value) ? value.join(', ') || 'none' : String(value);
  const reason = (key: ClusterSetting, unit: string, before: unknown, after: unknown) =>
    isDeepStrictEqual(before, after)
      ? []
      : [`${key}${unit}: ${show(before)}${setByOther(settledBy, key, project)} → ${show(after)}`];
  return [
    ...reason('edge.http_port', '', httpPort, wanted.httpPort),
    ...Object.entries(RULE_KEYS).flatMap(([rule, key]) =>
      reason(
        key,
        rule === 'keepaliveMs' ? ' (ms)' : '',
        edge[rule as keyof EdgeRules],
        wanted.rules[rule as keyof EdgeRules],
      ),
    ),
  ];
}

/** ` (set by project shop)` when another project's word on it counted until now. */
export function setByOther(
  settledBy: Readonly<Record<string, string>>,
  key: ClusterSetting,
  project: string,
): string {
  const owner = settledBy[key];
  return owner === undefined || owner === project ? '' : ` (set by project ${owner})`;
}
