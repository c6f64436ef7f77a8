import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LogFile, readLog } from './log-file.ts';

describe('the log of a container', () => {
  let directory: string;
  let log: LogFile;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'log-'));
    log = LogFile.create(join(directory, 'pod', '0.log'), () => '2026-01-01T00:00:00.000Z');
  });
  afterEach(() => {
    log[Symbol.dispose]();
    rmSync(directory, { recursive: true });
  });

  const texts = (): string[] =>
    readLog(log.path).map(({ stream, partial, text }) => `${stream} ${partial ? 'P' : 'F'} ${text}`);

  it('completes lines and characters across writes, for each stream by itself', () => {
    const euro = Buffer.from('€');
    log.write('stdout', Buffer.concat([Buffer.from('a '), euro.subarray(0, 1)]));
    log.write('stderr', Buffer.from('oops\n'));
    log.write('stdout', Buffer.concat([euro.subarray(1), Buffer.from(' b\nrest')]));
    expect(texts()).toEqual(['stderr F oops', 'stdout F a € b']);
    log[Symbol.dispose]();
    expect(texts().at(-1)).toBe('stdout P rest');
  });

  it('keeps empty lines and lines that look like its own format', () => {
    log.write('stdout', Buffer.from('\n2026 stdout F x\n'));
    expect(texts()).toEqual(['stdout F ', 'stdout F 2026 stdout F x']);
  });

  it('breaks very long lines into pieces that add up to the whole', () => {
    const long = 'x'.repeat(40_000);
    log.write('stdout', Buffer.from(`${long}\n`));
    const lines = readLog(log.path);
    expect(lines.map(({ text }) => text).join('')).toBe(long);
    expect(lines.at(-1)?.partial).toBe(false);
  });

  it('hands lines to whoever follows, until it ends', () => {
    const seen: string[] = [];
    using _following = log.follow(
      ({ text }) => seen.push(text),
      () => seen.push('(end)'),
    );
    log.write('stdout', Buffer.from('one\ntwo\n'));
    log[Symbol.dispose]();
    expect(seen).toEqual(['one', 'two', '(end)']);
  });

  it('of a container that never ran is empty', () => {
    expect(readLog(join(directory, 'none.log'))).toEqual([]);
  });
});
