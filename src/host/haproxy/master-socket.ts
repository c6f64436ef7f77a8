import { connect } from 'node:net';
import { SluiceError } from '../../base/errors.ts';

/** The longest answer that is waited for, milliseconds. */
const PATIENCE = 30_000;

/**
 * Sends one line of commands, and what belongs to it, to the socket of HAProxy's master process; the answer ends with the
 * connection. Fails with `haproxy-gone` when nobody answers.
 */
export function askMaster(path: string, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(path);
    socket
      .setEncoding('utf8')
      .setTimeout(PATIENCE, () => socket.destroy(new Error('no answer')))
      .on('data', (piece: string) => (answer += piece))
      .once('error', (error) => reject(new SluiceError('haproxy-gone', 'HAProxy does not answer', {}, error)))
      .once('close', () => resolve(answer));
    // The master goes on listening on a connection that its client does not end.
    socket.end(`${command}\n`);
  });
}

/** The processes of one HAProxy. */
export interface Processes {
  /** Of the worker that takes new connections; absent while none does. */
  readonly worker?: number;
  /** Reloads that failed since the last one that did not. */
  readonly failed: number;
}

/** Reads what `show proc` answers (management guide, section 9.4.1). */
export function readProcesses(answer: string): Processes {
  const [current = ''] = answer.split(/^# (?:old workers|programs)/m);
  const worker = /^(\d+)\s+worker\s+0\s/m.exec(current)?.[1];
  const failed = /master\s+\d+ \[failed: (\d+)\]/.exec(current)?.[1];
  return { failed: Number(failed ?? 0), ...(worker === undefined ? {} : { worker: Number(worker) }) };
}
