/** What a plain scalar means. Timestamps and sexagesimals stay text. */
export type ScalarValue = string | number | boolean | null;

/** Words with a meaning: sigs.k8s.io/yaml/goyaml.v2 resolve.go, resolveMapList. */
const WORDS: ReadonlyMap<string, ScalarValue> = new Map<string, ScalarValue>([
  ...spellings(['y', 'yes', 'true', 'on'], true),
  ...spellings(['n', 'no', 'false', 'off'], false),
  ...spellings(['null'], null),
  ['', null],
  ['~', null],
]);

const INFINITE = /^[-+]?\.(inf|Inf|INF)$|^\.(nan|NaN|NAN)$/;
const FLOAT = /^[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?$/;
const TIMESTAMP = /^\d{4}-\d{1,2}-\d{1,2}($|[Tt\s])/;

/**
 * What kubectl understands by an unquoted scalar. Its dialect is neither YAML 1.1 nor 1.2: `yes` is true, `0777` is 511,
 * `0o17` is 15, `1_000` is 1000, and `1:30` stays text. Undefined for infinities and NaN, which JSON cannot carry.
 */
export function resolvePlainScalar(text: string): ScalarValue | undefined {
  const word = WORDS.get(text);
  if (word !== undefined) return word;
  if (INFINITE.test(text)) return undefined;
  if (!/^([-+\d]|\.(?!_))/.test(text) || TIMESTAMP.test(text)) return text;
  const plain = text.replaceAll('_', '');
  return integerOf(plain) ?? (FLOAT.test(plain) ? Number(plain) : text);
}

/** Go's `strconv.ParseInt(text, 0, 64)`: decimal, 0x, 0o, 0b, and a leading zero for octal. */
function integerOf(text: string): number | undefined {
  const sign = text.startsWith('-') ? -1 : 1;
  const digits = text.replace(/^[-+]/, '');
  if (/^0[xX][0-9a-fA-F]+$/.test(digits)) return sign * Number.parseInt(digits.slice(2), 16);
  if (/^0[oO][0-7]+$/.test(digits)) return sign * Number.parseInt(digits.slice(2), 8);
  if (/^0[bB][01]+$/.test(digits)) return sign * Number.parseInt(digits.slice(2), 2);
  if (/^0[0-7]+$/.test(digits)) return sign * Number.parseInt(digits, 8);
  if (/^(0|[1-9]\d*)$/.test(digits)) return digits === '0' ? 0 : sign * Number(digits);
  return undefined;
}

/** Lower case, capitalised and upper case: the spellings that count. */
function spellings(words: readonly string[], value: ScalarValue): [string, ScalarValue][] {
  return words.flatMap((word) =>
    [word, word[0]!.toUpperCase() + word.slice(1), word.toUpperCase()].map((each): [string, ScalarValue] => [
      each,
      value,
    ]),
  );
}
