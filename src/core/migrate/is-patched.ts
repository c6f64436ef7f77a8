/** Whether a merge patch (RFC 7386) would leave the object as it is. */
export function isPatched(object: unknown, patch: unknown): boolean {
  if (patch === null) return object === undefined || object === null;
  if (typeof patch !== 'object' || Array.isArray(patch)) return isEqual(object, patch);
  if (typeof object !== 'object' || object === null)
    // Takes away what is not there, and nothing else.
    return object === undefined && Object.values(patch).every((value) => isPatched(undefined, value));
  const fields = object as Readonly<Record<string, unknown>>;
  return Object.entries(patch).every(([key, value]) => isPatched(fields[key], value));
}

function isEqual(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  const keys = Object.keys(a);
  return (
    Array.isArray(a) === Array.isArray(b) &&
    keys.length === Object.keys(b).length &&
    keys.every((key) => isEqual((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]))
  );
}
