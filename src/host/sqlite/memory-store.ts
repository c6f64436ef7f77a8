import type { DurableStore, StoredRecord, StoredWrite } from '../../core/objectstore/index.ts';

/** A {@link DurableStore} that forgets with the process; `disk` given again plays a restart. */
export function memoryStore(disk: MemoryDisk = memoryDisk()): DurableStore {
  return {
    load: () => ({ revision: disk.revision, records: [...disk.records.values()] }),
    write: (writes: readonly StoredWrite[]) => {
      for (const write of writes) apply(disk, write);
    },
    close: () => undefined,
  };
}

/** What a {@link memoryStore} keeps across a pretended restart. */
export interface MemoryDisk {
  revision: number;
  readonly records: Map<string, StoredRecord>;
}

/** An empty one. */
export function memoryDisk(): MemoryDisk {
  return { revision: 0, records: new Map() };
}

function apply(disk: MemoryDisk, write: StoredWrite): void {
  const { resource, namespace, name, revision } = write.kind === 'put' ? write.record : write;
  const key = JSON.stringify([resource, namespace, name]);
  if (write.kind === 'put') disk.records.set(key, write.record);
  else disk.records.delete(key);
  disk.revision = Math.max(disk.revision, revision);
}
