import { describe, expect, it } from 'vitest';
import type { FieldSchema } from './unknown-fields.ts';
import { wrongTypes } from './wrong-types.ts';

const text: FieldSchema = { type: 'string' };
const schema: FieldSchema = {
  type: 'object',
  properties: {
    name: text,
    count: { type: 'integer' },
    on: { type: 'boolean' },
    port: { $ref: 'int-or-string' },
    labels: { type: 'object', additionalProperties: text },
    list: { type: 'array', items: { type: 'object', properties: { name: text } } },
  },
};

describe('wrongTypes', () => {
  it.each<[unknown, readonly string[]]>([
    [{ name: 'a', count: 1, on: false, port: 80, labels: { a: 'b' }, list: [{ name: 'x' }], other: 1 }, []],
    [{ name: null, list: null, labels: {} }, []],
    [{ name: 5 }, ['name: must be text; put it in quotes (it is 5)']],
    [{ name: ['a'] }, ['name: must be text']],
    [
      { count: 1.5, on: 'yes' },
      ['count: must be a whole number (it is 1.5)', 'on: must be true or false (it is "yes")'],
    ],
    [{ labels: { a: 1, b: 'c' } }, ['labels[a]: must be text; put it in quotes (it is 1)']],
    [{ labels: ['a'] }, ['labels: must be an object']],
    [{ list: { name: 'x' } }, ['list: must be a list']],
    [
      { list: [null, 3, { name: true }] },
      [
        'list[0]: must not be empty',
        'list[1]: must be an object (it is 3)',
        'list[2].name: must be text; put it in quotes (it is true)',
      ],
    ],
  ])('of %j are %j', (value, expected) => {
    const resolve = (ref: string): FieldSchema | undefined => (ref === 'int-or-string' ? {} : undefined);
    expect(wrongTypes(value, schema, resolve).map(({ path, message }) => `${path}: ${message}`)).toEqual(expected);
  });
});
