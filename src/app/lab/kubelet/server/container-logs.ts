import type { ServerResponse } from 'node:http';
import type { LogLine } from '../../../../host/container/log-file.ts';
import { readLog } from '../../../../host/container/log-file.ts';
import type { ContainerRunner } from '../pod/container-runner.ts';

/** The query of a log request (PodLogOptions). */
export interface LogOptions {
  readonly follow: boolean;
  readonly previous: boolean;
  readonly timestamps: boolean;
  readonly tailLines?: number;
  readonly sinceSeconds?: number;
  readonly sinceTime?: string;
  readonly limitBytes?: number;
}

/** Answers with a container's log, and goes on as it grows when asked to follow. */
export function serveLogs(runner: ContainerRunner, options: LogOptions, response: ServerResponse): void {
  const path = runner.logPath(options.previous);
  if (path === undefined) {
    const which = options.previous ? 'previous terminated ' : '';
    response.writeHead(400).end(`${which}container "${runner.spec.name}" in pod is not available`);
    return;
  }
  response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' });
  response.flushHeaders();
  let left = options.limitBytes ?? Infinity;
  const write = (line: LogLine): void => {
    const text = `${options.timestamps ? `${line.time} ` : ''}${line.text}${line.partial ? '' : '\n'}`;
    const bytes = Buffer.from(text).subarray(0, left);
    left -= bytes.length;
    response.write(bytes);
    if (left <= 0) response.end();
  };
  for (const line of selected(readLog(path), options)) write(line);
  const live = runner.liveLog;
  if (!options.follow || options.previous || live === undefined || live.ended) return void response.end();
  const following = live.follow(write, () => response.end());
  response.on('close', () => following[Symbol.dispose]());
}

/** The lines that the options ask for. */
export function selected(lines: readonly LogLine[], options: LogOptions): readonly LogLine[] {
  const { tailLines, sinceSeconds, sinceTime } = options;
  const since = sinceSeconds === undefined ? sinceTime : new Date(Date.now() - sinceSeconds * 1000).toISOString();
  const young = since === undefined ? lines : lines.filter(({ time }) => Date.parse(time) >= Date.parse(since));
  return tailLines === undefined ? young : tailLines === 0 ? [] : young.slice(-tailLines);
}
