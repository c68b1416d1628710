/**
 * What long work says of itself while it runs. Steps form a tree by `parent`; the command line draws it per host on
 * a terminal and as plain lines elsewhere.
 */
export type Progress =
  | {
      readonly kind: 'begin';
      readonly id: string;
      readonly parent?: string;
      readonly title: string;
      readonly host?: string;
    }
  /** Replaces the step's last note: bytes so far, what is waited for. */
  | { readonly kind: 'note'; readonly id: string; readonly text: string }
  | {
      readonly kind: 'end';
      readonly id: string;
      readonly outcome: 'done' | 'failed' | 'skipped';
      readonly text?: string;
    }
  /** A line that stays on the screen: a notice, output of a task or a build. */
  | { readonly kind: 'line'; readonly text: string; readonly from?: string };

export type Report = (event: Progress) => void;

/** Runs `work` as a step: begun, ended as done or failed. The work gets a function for its notes. */
export async function reportStep<T>(
  report: Report,
  step: { readonly id: string; readonly title: string; readonly parent?: string; readonly host?: string },
  work: (note: (text: string) => void) => Promise<T>,
): Promise<T> {
  report({ kind: 'begin', ...step });
  try {
    const value = await work((text) => report({ kind: 'note', id: step.id, text }));
    report({ kind: 'end', id: step.id, outcome: 'done' });
    return value;
  } catch (error) {
    report({ kind: 'end', id: step.id, outcome: 'failed' });
    throw error;
  }
}
