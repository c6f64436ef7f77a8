import { EventEmitter } from 'node:events';
import { closeSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { StringDecoder } from 'node:string_decoder';

/** Longest line that is written in one piece, as containerd's (16 KiB). */
const LONGEST = 16 * 1024;

/** Which of a container's outputs. */
export type OutputStream = 'stdout' | 'stderr';

/** One line, or a piece of a very long one (`partial`), of a container's output. */
export interface LogLine {
  /** RFC 3339, UTC. */
  readonly time: string;
  readonly stream: OutputStream;
  readonly partial: boolean;
  readonly text: string;
}

/** The log of one run of a container, in the file format of the Container Runtime Interface (`time stream F|P text`). */
export class LogFile implements Disposable {
  readonly path: string;
  readonly #fd: number;
  readonly #now: () => string;
  readonly #lines = new EventEmitter<{ line: [LogLine]; end: [] }>();
  readonly #pending: Record<OutputStream, { decoder: StringDecoder; text: string }> = {
    stdout: { decoder: new StringDecoder('utf8'), text: '' },
    stderr: { decoder: new StringDecoder('utf8'), text: '' },
  };
  ended = false;

  private constructor(path: string, fd: number, now: () => string) {
    this.path = path;
    this.#fd = fd;
    this.#now = now;
    this.#lines.setMaxListeners(0);
  }

  /** Makes a new log at `path`; `now` gives the time in RFC 3339. */
  static create(path: string, now: () => string): LogFile {
    mkdirSync(dirname(path), { recursive: true });
    return new LogFile(path, openSync(path, 'a', 0o640), now);
  }

  /** Adds output as it came; lines are completed across calls. */
  write(stream: OutputStream, chunk: Buffer): void {
    const pending = this.#pending[stream];
    const parts = (pending.text + pending.decoder.write(chunk)).split('\n');
    pending.text = parts.pop() ?? '';
    for (const text of parts) this.#append(stream, text, false);
    while (pending.text.length > LONGEST) {
      this.#append(stream, pending.text.slice(0, LONGEST), true);
      pending.text = pending.text.slice(LONGEST);
    }
  }

  /** Calls `listener` for each line from now on and `ended` once; the result takes both off again. */
  follow(listener: (line: LogLine) => void, ended: () => void): Disposable {
    this.#lines.on('line', listener);
    this.#lines.once('end', ended);
    return {
      [Symbol.dispose]: () => {
        this.#lines.off('line', listener);
        this.#lines.off('end', ended);
      },
    };
  }

  /** Writes what is left of unfinished lines and closes the file. */
  [Symbol.dispose](): void {
    if (this.ended) return;
    for (const stream of ['stdout', 'stderr'] as const) {
      const { decoder, text } = this.#pending[stream];
      const rest = text + decoder.end();
      if (rest !== '') this.#append(stream, rest, true);
    }
    this.ended = true;
    closeSync(this.#fd);
    this.#lines.emit('end');
  }

  #append(stream: OutputStream, text: string, partial: boolean): void {
    if (this.ended) return;
    const line: LogLine = { time: this.#now(), stream, partial, text };
    writeSync(this.#fd, `${line.time} ${stream} ${partial ? 'P' : 'F'} ${text}\n`);
    this.#lines.emit('line', line);
  }
}

/** All lines of a log file; a file that is not there has none. */
export function readLog(path: string): readonly LogLine[] {
  let content: string;
  try {
    content = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  return content.split('\n').slice(0, -1).map(parseLine);
}

function parseLine(raw: string): LogLine {
  const [time = '', stream = 'stdout', tag = 'F'] = raw.split(' ', 3);
  const text = raw.slice(time.length + stream.length + tag.length + 3);
  return { time, stream: stream === 'stderr' ? 'stderr' : 'stdout', partial: tag === 'P', text };
}
