import { describeError, SeawallError } from '../errors.ts';
import { type Obstacle, ObstacleError, viewObstacles } from '../plan/index.ts';
import { type Problem, printable, renderProblems } from '../problems.ts';
import type { Style } from '../style.ts';

/** The user's files are wrong: carries every problem that was found. */
export class ProblemsError extends SeawallError {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super('input', 'the files have problems');
    this.name = 'ProblemsError';
    this.problems = problems;
  }
}

export interface ErrorScreenOptions {
  readonly style: Style;
  readonly colour: boolean;
  /** Causes and stacks too. */
  readonly verbose: boolean;
}

/** What is shown of anything that was thrown: what failed, on which thing, and what to do next. Ends with a newline. */
export function renderError(error: unknown, { style, colour, verbose }: ErrorScreenOptions): string {
  if (error instanceof ProblemsError) return renderProblems(error.problems, { colour });
  if (error instanceof ObstacleError) return `${viewObstacles(error.obstacles, style).join('\n')}\n`;
  const lines: string[] = [];
  if (error instanceof SeawallError && error.code !== 'bug') {
    const where = error.where === undefined ? '' : `${style('bold', printable(error.where))}: `;
    lines.push(`${style('red', '✘')} ${where}${indent(error.message)}`);
    if (error.hint !== undefined) lines.push(`  ${style('green', '→')} ${indent(error.hint)}`);
  } else {
    lines.push(`${style('red', '✘')} this is a bug in Seawall: ${indent(describeError(error))}`);
    const known = error instanceof SeawallError ? error.hint : undefined;
    const report = verbose
      ? 'Report it with the lines below.'
      : (known ?? 'Run it again with --verbose and report what it says.');
    lines.push(`  ${style('green', '→')} ${report}`);
  }
  if (verbose) lines.push(...causes(error).map((line) => style('dim', `    ${printable(line)}`)));
  return `${lines.join('\n')}\n`;
}

/** The same for programs. */
export function errorJson(error: unknown): {
  error: Record<string, unknown>;
  problems?: readonly Problem[];
  obstacles?: readonly Obstacle[];
} {
  if (error instanceof ProblemsError) {
    return { error: { code: error.code, message: error.message }, problems: error.problems };
  }
  if (error instanceof ObstacleError) {
    return { error: { code: error.code, message: error.message }, obstacles: error.obstacles };
  }
  if (!(error instanceof SeawallError)) return { error: { code: 'bug', message: describeError(error) } };
  const { code, message, where, hint } = error;
  const cause = error.cause === undefined ? undefined : describeError(error.cause);
  return { error: { code, message, where, hint, cause } };
}

function causes(error: unknown): string[] {
  if (!(error instanceof Error)) return [];
  const isOwn = error instanceof SeawallError && error.code !== 'bug';
  const own = isOwn ? [] : (error.stack ?? '').split('\n');
  const cause = error.cause;
  if (cause === undefined) return own;
  return [...own, `because: ${describeError(cause).split('\n', 1)[0]}`, ...causes(cause)];
}

const indent = (text: string): string => printable(text).split('\n').join('\n    ');
