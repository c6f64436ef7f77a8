import { tooLong } from '../field-error.ts';
import { child, entry, keys, reject, rejectAll, text } from './field.ts';
import type { Field } from './field.ts';
import { configMapKey } from './names.ts';

/** Most bytes of data in one ConfigMap: core's MaxSecretSize. */
const LIMIT = 1024 * 1024;

/** Checks the keys and the size of a ConfigMap. */
export function validateConfigMap(object: Field): void {
  const data = child(object, 'data');
  const binary = child(object, 'binaryData');
  let size = 0;
  for (const map of [data, binary])
    for (const key of keys(map)) {
      const field = entry(map, key);
      rejectAll({ ...field, value: key }, configMapKey(key));
      size += (text(field) ?? '').length;
    }
  const known = new Set(keys(data));
  for (const key of keys(binary))
    if (known.has(key)) reject({ ...entry(data, key), value: key }, 'duplicate of key present in binaryData');
  if (size > LIMIT) object.errors.push(tooLong('', LIMIT));
}
