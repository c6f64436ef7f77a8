import { ByteWriter } from '../../../src/base/bytes/index.ts';

/** A file, folder or symbolic link (`data` is its target) of an archive. */
export interface CpioEntry {
  readonly path: string;
  readonly type: 'file' | 'folder' | 'link';
  /** Permission bits. */
  readonly mode: number;
  readonly data?: Uint8Array;
}

/** File type bits (sys/stat.h). */
const TYPES = { file: 0o100000, folder: 0o040000, link: 0o120000 } as const;

/**
 * An archive in the format that the kernel unpacks as its first root file system: cpio "newc", each entry 6 bytes of
 * magic, 13 numbers of 8 hexadecimal digits, the name, the data, both padded to four bytes
 * (Documentation/driver-api/early-userspace/buffer-format.rst). Folders must come before what is in them.
 */
export function cpioArchive(entries: readonly CpioEntry[]): Uint8Array {
  const writer = new ByteWriter(1 << 20);
  for (const [index, { path, type, mode, data }] of entries.entries())
    writeEntry(writer, path, index + 1, TYPES[type] | mode, data ?? new Uint8Array());
  writeEntry(writer, 'TRAILER!!!', 0, 0, new Uint8Array());
  return writer.view();
}

function writeEntry(writer: ByteWriter, path: string, inode: number, mode: number, data: Uint8Array): void {
  const name = new TextEncoder().encode(path);
  // inode, mode, uid, gid, links, mtime, size, device (2), device of device files (2), length of the name, checksum
  const numbers = [inode, mode, 0, 0, 1, 0, data.length, 0, 0, 0, 0, name.length + 1, 0];
  writer.ascii(`070701${numbers.map((number) => number.toString(16).padStart(8, '0')).join('')}`);
  writer.raw(name);
  writer.u8(0);
  writer.align(4);
  writer.raw(data);
  writer.align(4);
}
