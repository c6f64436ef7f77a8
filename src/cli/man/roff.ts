/** Text of a man page: backslashes, hyphens that are typed, and lines that would be read as requests are escaped. */
export function text(plain: string): string {
  const escaped = plain
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('~', '\\(ti')
    .replaceAll('^', '\\(ha')
    .replaceAll('`', '\\(ga')
    .replaceAll("'", '\\(aq');
  return escaped.startsWith('.') ? `\\&${escaped}` : escaped;
}

/** Bold text, as what is typed is set. */
export function bold(plain: string): string {
  return `\\fB${text(plain)}\\fR`;
}

/** Text in italics, as what stands for something else is set. */
export function italic(plain: string): string {
  return `\\fI${text(plain)}\\fR`;
}
