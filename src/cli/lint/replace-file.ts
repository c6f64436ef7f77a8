import { realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';

/** Gives the file another text: all of it or, when that fails, none. Links stay links, and the mode is kept. */
export function replaceFile(file: string, text: string): void {
  const target = realpathSync(file);
  const beside = `${target}.${process.pid}.new`;
  try {
    writeFileSync(beside, text, { mode: statSync(target).mode });
    renameSync(beside, target);
  } catch (error) {
    rmSync(beside, { force: true });
    throw error;
  }
}
