import { bucketOf, type ResourceDefinition } from '../resource-definition.ts';
import { AGE, NAME, type Column } from './column.ts';
import { customColumns } from './custom-columns.ts';
import { CORE_COLUMNS } from './core-columns.ts';
import { GROUP_COLUMNS } from './group-columns.ts';
import { POD_COLUMNS } from './pod-columns.ts';

const BUILTIN: Readonly<Record<string, readonly Column[]>> = {
  '/pods': POD_COLUMNS,
  ...CORE_COLUMNS,
  ...GROUP_COLUMNS,
};

/** The columns of a resource: those of the real server, those of the CRD, or NAME and AGE. */
export function columnsOf(definition: ResourceDefinition): readonly Column[] {
  if (definition.custom !== undefined) return customColumns(definition.custom.columns);
  return BUILTIN[bucketOf(definition)] ?? [NAME, AGE];
}
