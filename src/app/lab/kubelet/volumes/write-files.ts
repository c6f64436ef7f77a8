import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** One file of a volume; `path` is relative and may have directories. */
export interface VolumeFile {
  readonly path: string;
  readonly content: Buffer;
  readonly mode: number;
}

/** Writes `files` below `directory`. */
export function writeFiles(directory: string, files: readonly VolumeFile[]): void {
  mkdirSync(directory, { recursive: true });
  for (const { path, content, mode } of files) {
    const target = join(directory, path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, content);
    chmodSync(target, mode);
  }
}
