import { styleText } from 'node:util';

/** What a piece of text is given: one or more of util.styleText's names. */
export type Format = Parameters<typeof styleText>[0];

/** Colours a piece of text, or leaves it as it is. */
export type Style = (format: Format, text: string) => string;

/** The {@link Style} for an output that takes colours or does not. */
export function styleFor(hasColour: boolean): Style {
  return hasColour
    ? (format, text) => styleText(format, text, { validateStream: false })
    : (_format, text) => text;
}
