/**
 * A text of BIRD's configuration. The language has no escapes: what cannot stand in a text is a bug of the caller, who was
 * to refuse it.
 */
export function quoted(text: string): string {
  if (!/^[ !#-~]{0,128}$/.test(text))
    throw new RangeError(`cannot be said in BIRD's configuration: ${JSON.stringify(text)}`);
  return `"${text}"`;
}
