export { sumsOf } from './contents.ts';
export type { Contents, Sum } from './contents.ts';
export { formatExport, parseExport } from './export-file.ts';
export type { ExportFile } from './export-file.ts';
export { layoutOf } from './layouts.ts';
export { MIGRATED_KINDS, isDerived } from './migrated-kinds.ts';
export type { MigratedKind } from './migrated-kinds.ts';
export { planImport } from './plan-import.ts';
export type { EtcdLayout, StoredObject } from './stored-object.ts';
