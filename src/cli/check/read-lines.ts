import { createReadStream } from 'node:fs';
import process from 'node:process';
import { SluiceError } from '../../base/errors.ts';
import { fileProblem } from '../file-problem.ts';

/** Read at once; large, since each piece costs a turn of the event loop. */
const PIECE = 1 << 20;

/** The lines of a file, or of standard input for `-`, some thousands at a time. Throws `no-such-input` when it cannot be read. */
export async function* readLines(path: string): AsyncIterable<readonly string[]> {
  const stream = path === '-' ? process.stdin : createReadStream(path, { highWaterMark: PIECE });
  stream.setEncoding('utf8');
  let rest = '';
  try {
    for await (const piece of stream as AsyncIterable<string>) {
      const lines = (rest + piece).split('\n');
      rest = lines.pop() ?? '';
      yield lines;
    }
  } catch (error) {
    if (error instanceof SluiceError) throw error;
    throw new SluiceError('no-such-input', `${path}: ${fileProblem(error)}`, {}, error);
  }
  if (rest !== '') yield [rest];
}
