import type { PrinterColumn } from '../resource-definition.ts';
import { AGE, ageOf, NAME, type Column } from './column.ts';
import { jsonPath } from './json-path.ts';

/** A CRD's own columns after the name; without any, name and age. */
export function customColumns(columns: readonly PrinterColumn[]): readonly Column[] {
  if (columns.length === 0) return [NAME, AGE];
  return [
    NAME,
    ...columns.map((each): Column => {
      const { name, type, format, description, jsonPath: path, priority } = each;
      const select = jsonPath(path);
      return {
        name,
        type,
        ...(format === undefined ? {} : { format }),
        ...(description === undefined ? {} : { description }),
        ...(priority === undefined ? {} : { priority }),
        cell: (object, now) => cellOf(select(object), type, now),
      };
    }),
  ];
}

function cellOf(values: readonly unknown[], type: string, now: number): string | number | boolean | null {
  if (values.length === 0) return type === 'string' || type === 'date' ? '' : null;
  const [value] = values;
  if (type === 'date') return typeof value === 'string' ? ageOf(value, now) : '<unknown>';
  if (values.length > 1)
    return values.map((each) => (typeof each === 'string' ? each : JSON.stringify(each))).join(',');
  if (type === 'boolean' && typeof value === 'boolean') return value;
  if ((type === 'integer' || type === 'number') && typeof value === 'number') return value;
  return value === undefined || value === null ? '' : typeof value === 'string' ? value : JSON.stringify(value);
}
