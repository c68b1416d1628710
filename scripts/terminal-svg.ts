/** A terminal's text with its colours as a picture. Pure. */

/** Letters that look the same. */
export interface Span {
  /** From 0. */
  readonly column: number;
  readonly text: string;
  readonly colour?: string;
  readonly isBold: boolean;
  readonly isDim: boolean;
}

export interface PictureOptions {
  /** Width of the terminal. */
  readonly columns: number;
  readonly title: string;
}

type Style = Pick<Span, 'isBold' | 'isDim' | 'colour'>;

const PLAIN: Style = { isBold: false, isDim: false };
/** ECMA-48 SGR 30 to 37, then 90 to 97; legible on the dark ground below. */
const COLOURS = [
  ...['#484f58', '#ff7b72', '#56d364', '#e3b341', '#79c0ff', '#d2a8ff', '#56d4dd', '#c9d1d9'],
  ...['#8b949e', '#ffa198', '#7ee787', '#f2cc60', '#a5d6ff', '#e2c5ff', '#b3f0ff', '#ffffff'],
];
const GROUND = '#0d1117';
const TEXT = '#c9d1d9';
const cell = { width: 8.4, height: 19 };
const margin = { side: 20, top: 48, bottom: 20 };
const FONT =
  "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace";

// biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character is what it looks for
const SGR = /\x1b\[([\d;]*)m/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the escape characters are what it looks for
const OTHER = /\x1b(?:\[[\d;?]*[A-Za-ln-z]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[()][A-Z0-9])|[\x0e\x0f\r]/g;

/** One line of `tmux capture-pane -e`, and the style that the next line begins with. */
export function parseLine(line: string, style: Style = PLAIN): { spans: Span[]; style: Style } {
  const spans: Span[] = [];
  let column = 0;
  // Pictures show several blanks as one, so that each piece between them is placed by itself.
  const add = (text: string) => {
    for (const piece of text.split(/(\s{2,})/)) {
      if (piece.trim() !== '') spans.push({ column, text: piece, ...style });
      column += [...piece].length;
    }
  };
  const text = line.replaceAll(OTHER, '');
  let from = 0;
  for (const match of text.matchAll(SGR)) {
    add(text.slice(from, match.index));
    from = match.index + match[0].length;
    style = styleAfter(style, (match[1] ?? '').split(';').map(Number));
  }
  add(text.slice(from));
  return { spans, style };
}

function styleAfter(style: Style, codes: readonly number[]): Style {
  const { colour, ...rest } = style;
  const [code = 0, ...left] = codes;
  const next = ((): Style => {
    if (code === 0) return PLAIN;
    if (code === 1) return { ...style, isBold: true };
    if (code === 2) return { ...style, isDim: true };
    if (code === 22) return { ...style, isBold: false, isDim: false };
    if (code === 39) return rest;
    const index = code >= 90 && code <= 97 ? code - 82 : code - 30;
    const found = code >= 30 && code !== 38 && code !== 48 ? COLOURS[index] : undefined;
    return found === undefined ? style : { ...style, colour: found };
  })();
  return left.length === 0 ? next : styleAfter(next, left);
}

/** An SVG that shows the lines in a window. Same lines, same bytes. */
export function renderTerminal(lines: readonly string[], { columns, title }: PictureOptions): string {
  let style = PLAIN;
  const rows = lines.map((line, row) => {
    const parsed = parseLine(line, style);
    style = parsed.style;
    return parsed.spans.map((span) => renderSpan(span, row)).join('');
  });
  const width = Math.ceil(columns * cell.width + 2 * margin.side);
  const height = margin.top + lines.length * cell.height + margin.bottom;
  const dots = ['#ff5f57', '#febc2e', '#28c840'].map(
    (colour, index) => `<circle cx="${20 + index * 18}" cy="20" r="5.5" fill="${colour}"/>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">
<title>${escapeXml(title)}</title>
<rect width="${width}" height="${height}" rx="8" fill="${GROUND}"/>
${dots.join('')}
<g font-family="${FONT}" font-size="14" fill="${TEXT}">
${rows.filter((row) => row !== '').join('\n')}
</g>
</svg>
`;
}

/** Each word's place and width are given, so that the columns stand whatever font there is. */
function renderSpan(span: Span, row: number): string {
  const lead = span.text.length - span.text.trimStart().length;
  const text = span.text.trim();
  const round = (value: number) => String(Math.round(value * 10) / 10);
  const attributes = [
    `x="${round(margin.side + (span.column + lead) * cell.width)}"`,
    `y="${margin.top + row * cell.height + 14}"`,
    `textLength="${round([...text].length * cell.width)}"`,
    ...(span.colour === undefined ? [] : [`fill="${span.colour}"`]),
    ...(span.isBold ? ['font-weight="bold"'] : []),
    ...(span.isDim ? ['opacity="0.65"'] : []),
  ];
  return `<text ${attributes.join(' ')}>${escapeXml(text)}</text>`;
}

const escapeXml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
