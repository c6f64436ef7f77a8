import { createHash } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { chmod, copyFile, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** Whether a file was written, or was already as wanted. */
export type FileChange = 'written' | 'unchanged';

/** Writes `content` aside, flushes it and renames it over `path`: a reader sees the old file or the new one, never a part. */
export async function writeFileAtomic(path: string, content: string, mode: number): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await replace(path, async (aside) => {
    const file = await open(aside, 'w', mode);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
  });
}

/** Installs an executable under `target`, atomically and even while the old one runs; leaves an identical one alone. */
export async function installExecutable(source: string, target: string): Promise<FileChange> {
  await mkdir(dirname(target), { recursive: true });
  if (await sameFile(source, target)) return 'unchanged';
  await replace(target, async (aside) => {
    // Shares the blocks where the file system can: the executable has 100 MB.
    await copyFile(source, aside, constants.COPYFILE_FICLONE);
    await chmod(aside, 0o755);
  });
  return 'written';
}

async function replace(path: string, write: (aside: string) => Promise<void>): Promise<void> {
  const aside = join(dirname(path), `.${basename(path)}.${process.pid}`);
  try {
    await write(aside);
    await rename(aside, path);
  } finally {
    await rm(aside, { force: true });
  }
}

/** The same inode, or the same size and content. */
async function sameFile(a: string, b: string): Promise<boolean> {
  const [first, second] = [await stat(a), await stat(b).catch(ignoreMissing)];
  if (second === undefined) return false;
  if (first.dev === second.dev && first.ino === second.ino) return true;
  if (first.size !== second.size || (second.mode & 0o111) === 0) return false;
  const [left, right] = await Promise.all([sha256(a), sha256(b)]);
  return left === right;
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
