/** One word of HAProxy's configuration, whatever it contains: in single quotes nothing but a quote is special. */
export function quote(text: string): string {
  if (/^[A-Za-z0-9_.:/=,@+-]+$/.test(text)) return text;
  // oxlint-disable-next-line no-control-regex -- no way of quoting takes a line break
  if (/[\u0000-\u001f\u007f]/.test(text)) throw new RangeError('a word of the configuration is one line');
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** The same for an argument that is a log format, in which `%` would start a variable. */
export function quoteFormat(text: string): string {
  return quote(text.replaceAll('%', '%%'));
}

/** Words of one line are limited: lists come in pieces of this many. */
export function chunks<T>(items: readonly T[], size = 24): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}
