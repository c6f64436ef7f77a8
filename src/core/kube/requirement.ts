/** The labels of an object; absent labels are an empty record. */
export type Labels = Readonly<Record<string, string>>;

/** One clause of a selector. `values` is sorted and without duplicates; empty for `Exists` and `DoesNotExist`. */
export interface Requirement {
  readonly key: string;
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
  readonly values: readonly string[];
}

/** Whether `labels` satisfy one requirement. */
export function meets(requirement: Requirement, labels: Labels | undefined): boolean {
  const value = labels !== undefined && Object.hasOwn(labels, requirement.key) ? labels[requirement.key] : undefined;
  switch (requirement.operator) {
    case 'In':
      return value !== undefined && requirement.values.includes(value);
    case 'NotIn':
      return value === undefined || !requirement.values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
  }
}

/** One requirement in kubectl's syntax. */
export function formatRequirement({ key, operator, values }: Requirement): string {
  switch (operator) {
    case 'In':
      return values.length === 1 ? `${key}=${values[0]}` : `${key} in (${values.join(',')})`;
    case 'NotIn':
      return values.length === 1 ? `${key}!=${values[0]}` : `${key} notin (${values.join(',')})`;
    case 'Exists':
      return key;
    case 'DoesNotExist':
      return `!${key}`;
  }
}

/** Identity of one requirement; the separators of keys that join several occur in none. */
export function requirementKey({ key, operator, values }: Requirement): string {
  return operator === 'In' && values.length === 1
    ? `${quote(key)}=${quoteValue(values[0]!)}`
    : `${quote(key)} ${operator}(${values.map(quoteValue).join()})`;
}

/** Almost every label; asking first is several times faster than replacing nothing. */
const READABLE = /^[A-Za-z0-9_./-]*$/;

/** Percent-encodes what the keys above use as punctuation; letters, digits, `-_./` of ordinary labels stay readable. */
export function quote(text: string): string {
  if (READABLE.test(text)) return text;
  return text.replaceAll(/[^A-Za-z0-9_./-]/gu, (character) => `%${character.codePointAt(0)!.toString(16)};`);
}

/** No label has a value with a slash, but a selector may ask for one; in keys that join selectors, slashes separate. */
export function quoteValue(text: string): string {
  return quote(text).replaceAll('/', '%2f;');
}
