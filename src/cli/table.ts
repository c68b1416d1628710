import { stripVTControlCharacters } from 'node:util';

/** Text in columns two spaces apart; colours do not count. Without a line end after the last row. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, visibleLength(cell));
    });
  }
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - visibleLength(cell)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Characters that a text takes on the screen, colours not counted. */
const visibleLength = (text: string): number => [...stripVTControlCharacters(text)].length;

/** The text cut to a length, with … in place of what is missing. For text without colours. */
export function cut(text: string, length: number): string {
  const characters = [...text];
  if (characters.length <= length) return text;
  return length <= 0 ? '' : `${characters.slice(0, length - 1).join('')}…`;
}

/** One line that a terminal only shows, without obeying it: escape sequences gone, other control characters as spaces. */
export const printable = (text: string): string =>
  stripVTControlCharacters(text).replaceAll(/\p{Cc}+/gu, ' ');
