/**
 * The fields that a JSON text has more than once, each as `duplicate field "spec.x"`. The text must be valid JSON.
 * `JSON.parse` keeps the last of them in silence, so this scans the text itself.
 */
export function duplicateFields(text: string): string[] {
  const found: string[] = [];
  const scanner = { text, at: 0 };
  skipSpace(scanner);
  scanValue(scanner, '', found);
  return found;
}

interface Scanner {
  readonly text: string;
  at: number;
}

function scanValue(scanner: Scanner, path: string, found: string[]): void {
  const first = scanner.text[scanner.at];
  if (first === '{') scanObject(scanner, path, found);
  else if (first === '[') scanArray(scanner, path, found);
  else if (first === '"') scanString(scanner);
  else while (scanner.at < scanner.text.length && !/[,\]}\s]/.test(scanner.text[scanner.at]!)) scanner.at += 1;
}

function scanObject(scanner: Scanner, path: string, found: string[]): void {
  const seen = new Set<string>();
  const reported = new Set<string>();
  scanner.at += 1;
  skipSpace(scanner);
  while (scanner.at < scanner.text.length && scanner.text[scanner.at] !== '}') {
    const key = scanString(scanner);
    const at = path === '' ? key : `${path}.${key}`;
    if (seen.has(key) && !reported.has(key)) {
      found.push(`duplicate field "${at}"`);
      reported.add(key);
    }
    seen.add(key);
    skipSpace(scanner);
    scanner.at += 1;
    skipSpace(scanner);
    scanValue(scanner, at, found);
    skipSeparator(scanner);
  }
  scanner.at += 1;
}

function scanArray(scanner: Scanner, path: string, found: string[]): void {
  scanner.at += 1;
  skipSpace(scanner);
  for (let index = 0; scanner.at < scanner.text.length && scanner.text[scanner.at] !== ']'; index += 1) {
    scanValue(scanner, `${path}[${index}]`, found);
    skipSeparator(scanner);
  }
  scanner.at += 1;
}

function scanString(scanner: Scanner): string {
  const start = scanner.at;
  scanner.at += 1;
  while (scanner.at < scanner.text.length && scanner.text[scanner.at] !== '"') {
    scanner.at += scanner.text[scanner.at] === '\\' ? 2 : 1;
  }
  scanner.at += 1;
  return JSON.parse(scanner.text.slice(start, scanner.at)) as string;
}

function skipSeparator(scanner: Scanner): void {
  skipSpace(scanner);
  if (scanner.text[scanner.at] === ',') scanner.at += 1;
  skipSpace(scanner);
}

function skipSpace(scanner: Scanner): void {
  while (/\s/.test(scanner.text[scanner.at] ?? '')) scanner.at += 1;
}
