/** JSON with the keys of every object in order and absent (`undefined`) fields left out: equal values give equal text. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, field]) => `${JSON.stringify(name)}:${canonicalJson(field)}`);
  return `{${fields.join()}}`;
}

/** Whether two JSON values are the same, whatever the order of their fields. */
export function sameJson(a: unknown, b: unknown): boolean {
  return a === b || canonicalJson(a) === canonicalJson(b);
}

/** FNV-1a over `text`, written in the letters that Kubernetes uses for names, so that it never spells a word. */
export function shortHash(text: string): string {
  const letters = 'bcdfghjklmnpqrstvwxz2456789';
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  let name = '';
  for (let i = 0; i < 10; i++) {
    name += letters[Number(hash % 27n)]!;
    hash /= 27n;
  }
  return name;
}
