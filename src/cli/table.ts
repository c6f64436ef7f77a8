/** Rows under a header in columns that fit, as kubectl prints them: three spaces between columns, no trailing ones. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...lines.map((line) => displayWidth(line[column] ?? ''))));
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell + ' '.repeat(widths[column]! - displayWidth(cell)))
        .join('   ')
        .trimEnd(),
    )
    .join('\n');
}

/** Columns that a text takes in a terminal; colour takes none. */
function displayWidth(text: string): number {
  // oxlint-disable-next-line no-control-regex -- escape sequences are what is being measured
  return Array.from(text.replaceAll(/\u001b\[[0-9;]*m/gu, '')).length;
}
