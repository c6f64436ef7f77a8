/** The present time in RFC 3339 in whole seconds, as Kubernetes writes times in objects. */
export function utcSeconds(date = new Date()): string {
  return date.toISOString().replace(/\.\d+Z$/, 'Z');
}
