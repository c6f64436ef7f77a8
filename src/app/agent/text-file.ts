import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** Where one text is kept between two lives of the agent. */
export interface TextStore {
  /** The text that was saved last; undefined when there is none that can be read. */
  load(): string | undefined;
  save(text: string): void;
}

/** One file, written whole or not at all; only its owner may read it unless `mode` says otherwise. */
export function textFile(path: string, mode = 0o600): TextStore {
  return {
    load: () => {
      try {
        return readFileSync(path, 'utf8');
      } catch {
        return undefined;
      }
    },
    save: (text) => {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(`${path}.new`, text, { mode });
      renameSync(`${path}.new`, path);
    },
  };
}

/** The same in memory. */
export function textInMemory(): TextStore {
  let saved: string | undefined;
  return { load: () => saved, save: (text) => void (saved = text) };
}
