import { type KeyPath, problemAt, showPath, showPlace } from '../../problems.ts';
import type { Remarks, TranslateInput } from './input.ts';

/** Says what is wrong at a path of the model. */
export function refuse(
  input: TranslateInput,
  remarks: Remarks,
  path: KeyPath,
  text: string,
  remedy?: string,
): void {
  remarks.problems.push(problemAt(input.place(path), path, text, remedy));
}

/** Says in the plan what is done differently. */
export function notice(input: TranslateInput, remarks: Remarks, path: KeyPath, text: string): void {
  remarks.notices.push({ path: showPath(path), text, where: showPlace(input.place(path, 'key')) });
}
