import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { DomainStore } from './domain-names.ts';

/** One file, written whole or not at all. What cannot be read or written is learned again after a restart. */
export function fileDomainStore(path: string): DomainStore {
  return {
    load: () => {
      try {
        return readFileSync(path, 'utf8');
      } catch {
        return undefined;
      }
    },
    save: (text) => {
      writeFileSync(`${path}.new`, text);
      renameSync(`${path}.new`, path);
    },
  };
}

/** The same in memory. */
export function memoryDomainStore(): DomainStore {
  let saved: string | undefined;
  return { load: () => saved, save: (text) => void (saved = text) };
}
