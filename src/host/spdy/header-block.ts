import { constants, createDeflate, createInflate } from 'node:zlib';
import type { Deflate, Inflate } from 'node:zlib';
import { words } from './frames.ts';
import { HEADER_DICTIONARY } from './dictionary.ts';

/** Largest block of headers that is unpacked, bytes: a few kilobytes are usual, a bomb has gigabytes. */
const MOST_BYTES = 64 * 1024;

/** Packs and unpacks the headers of one connection: every block builds on those before it. */
export class HeaderBlocks {
  readonly #inflate = createInflate({ dictionary: HEADER_DICTIONARY });
  readonly #deflate = createDeflate({ dictionary: HEADER_DICTIONARY, flush: constants.Z_SYNC_FLUSH });

  /** Names in lower case, and values. Rejects what is no block of headers. */
  async unpack(block: Buffer): Promise<ReadonlyMap<string, string>> {
    return parse(await through(this.#inflate, block));
  }

  pack(headers: ReadonlyMap<string, string>): Promise<Buffer> {
    const text = (value: string): Buffer[] => [words(Buffer.byteLength(value)), Buffer.from(value)];
    const pairs = [...headers].flatMap(([name, value]) => [...text(name), ...text(value)]);
    return through(this.#deflate, Buffer.concat([words(headers.size), ...pairs]));
  }

  close(): void {
    this.#inflate.destroy();
    this.#deflate.destroy();
  }
}

/** What comes out of `codec` for one block that goes in; one at a time. */
function through(codec: Inflate | Deflate, block: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let bytes = 0;
    const settle = (error?: Error | null): void => {
      codec.off('data', onData).off('error', settle);
      if (error) reject(error);
      else resolve(Buffer.concat(parts));
    };
    const onData = (part: Buffer): void => {
      parts.push(part);
      bytes += part.length;
      if (bytes <= MOST_BYTES) return;
      settle(new RangeError(`headers of more than ${MOST_BYTES} bytes`));
      codec.destroy();
    };
    codec.on('data', onData).on('error', settle);
    codec.write(block, settle);
  });
}

function parse(block: Buffer): ReadonlyMap<string, string> {
  let at = 0;
  const number = (): number => {
    at += 4;
    return block.readUInt32BE(at - 4);
  };
  const text = (): string => {
    const length = number();
    if (at + length > block.length) throw new RangeError('headers end in the middle');
    at += length;
    return block.toString('utf8', at - length, at);
  };
  const headers = new Map<string, string>();
  for (let left = number(); left > 0; left--) headers.set(text(), text());
  return headers;
}
