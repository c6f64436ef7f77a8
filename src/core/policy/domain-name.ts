/**
 * Whether a domain name matches a pattern: the name itself, or `*.` and a suffix, which stands for one label or more. Both
 * in lower case, without a final dot.
 */
export function domainMatches(pattern: string, name: string): boolean {
  if (!pattern.startsWith('*.')) return pattern === name;
  const suffix = pattern.slice(1);
  return name.length > suffix.length && name.endsWith(suffix);
}
