const PATTERNS = new Map([
  ['**/', '(?:.*/)?'],
  ['**', '.*'],
  ['*', '[^/]*'],
  ['?', '[^/]'],
]);

/** The pattern as an expression for whole paths: `*` and `?` stay within a name, `**` spans folders. */
export function glob(pattern: string): RegExp {
  const clean = pattern.replace(/^\.\//u, '').replace(/\/$/u, '/**');
  const parts = clean.split(/(\*\*\/|\*\*|\*|\?)/u);
  return new RegExp(`^${parts.map((part) => PATTERNS.get(part) ?? escape(part)).join('')}$`, 'u');
}

function escape(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/]/gu, String.raw`\$&`);
}
