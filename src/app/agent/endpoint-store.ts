import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../base/errors.ts';
import { decodeRecord, encodeRecord } from './endpoint-record.ts';
import type { EndpointRecord } from './endpoint-record.ts';

/** Where the records of this node's pod interfaces are kept between two lives of the agent. */
export interface EndpointStore {
  /** Every record. What cannot be read is reported and left where it is. */
  load(report: (problem: string) => void): readonly EndpointRecord[];
  save(record: EndpointRecord): void;
  /** Does nothing when there is none. */
  remove(id: string): void;
}

/** A directory with one file per record. Writes are atomic: a file is there whole or not at all. */
export function fileEndpointStore(directory: string): EndpointStore {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const fileOf = (id: string): string => join(directory, `${encodeURIComponent(id)}.json`);
  return {
    load: (report) =>
      readdirSync(directory)
        .filter((name) => name.endsWith('.json'))
        .flatMap((name) => readRecord(join(directory, name), report)),
    save: (record) => {
      const temporary = `${fileOf(record.id)}.new`;
      writeFileSync(temporary, encodeRecord(record));
      renameSync(temporary, fileOf(record.id));
    },
    remove: (id) => rmSync(fileOf(id), { force: true }),
  };
}

/** The same in memory. */
export function memoryEndpointStore(): EndpointStore {
  const records = new Map<string, EndpointRecord>();
  return {
    load: () => [...records.values()],
    save: (record) => void records.set(record.id, record),
    remove: (id) => void records.delete(id),
  };
}

function readRecord(path: string, report: (problem: string) => void): readonly EndpointRecord[] {
  try {
    return [decodeRecord(readFileSync(path, 'utf8'))];
  } catch (error) {
    report(`${path}: ${messageOf(error)}`);
    return [];
  }
}
