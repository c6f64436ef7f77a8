export { layoutOf } from './layouts.ts';
export type { EtcdLayout, StoredMetadata, StoredObject } from './stored-object.ts';
