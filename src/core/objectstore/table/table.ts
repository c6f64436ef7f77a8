import type { ApiObject } from '../api-object.ts';
import type { ResourceDefinition } from '../resource-definition.ts';
import { columnsOf } from './columns.ts';

/** `metav1.TableColumnDefinition`. */
export interface TableColumn {
  readonly name: string;
  readonly type: string;
  readonly format: string;
  readonly description: string;
  readonly priority: number;
}

/** What stands in one cell of a table. */
export type Cell = string | number | boolean | null;

/** Renders objects the way `kubectl get` shows them. `now` is milliseconds since 1970, for ages. */
export function tableOf(
  definition: ResourceDefinition,
  objects: readonly ApiObject[],
  now: number,
): { readonly columns: readonly TableColumn[]; readonly rows: readonly (readonly Cell[])[] } {
  const columns = columnsOf(definition);
  return {
    columns: columns.map(({ name, type = 'string', format = '', description = '', priority = 0 }) => ({
      name,
      type,
      format: name === 'Name' ? 'name' : format,
      description,
      priority,
    })),
    rows: objects.map((object) => columns.map(({ cell }) => cell(object, now))),
  };
}
