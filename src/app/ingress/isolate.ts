/**
 * Finds the items that `refuses` does not take, and returns each with what it said. Asks once when all are good, and about
 * twice the logarithm of their number for each that is not.
 */
export async function isolate(
  items: readonly string[],
  refuses: (accepted: readonly string[]) => Promise<string | undefined>,
): Promise<ReadonlyMap<string, string>> {
  const rejected = new Map<string, string>();
  /** Returns the good ones of the group, given that `base` is good. */
  const visit = async (group: readonly string[], base: readonly string[]): Promise<readonly string[]> => {
    const reason = await refuses([...base, ...group]);
    if (reason === undefined) return group;
    const [only] = group;
    if (group.length <= 1) {
      if (only !== undefined) rejected.set(only, reason);
      return [];
    }
    const middle = group.length >> 1;
    const left = await visit(group.slice(0, middle), base);
    const right = await visit(group.slice(middle), [...base, ...left]);
    return [...left, ...right];
  };
  await visit(items, []);
  return rejected;
}
