import { connect } from 'node:net';
import { SluiceError } from '../../base/errors.ts';
import type { ControlReplies, ControlReply, ControlRequest } from './lab-types.ts';

/** Sends one request to a supervisor and resolves with its answer. Throws `not-running` when nobody listens. */
export function controlRequest<R extends ControlRequest>(
  socketPath: string,
  request: R,
): Promise<ControlReplies[R['op']]> {
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath);
    let text = '';
    const gone = (cause?: Error): void =>
      reject(new SluiceError('not-running', `no cluster answers at ${socketPath}`, { socketPath }, cause));
    socket.once('connect', () => socket.write(`${JSON.stringify(request)}\n`));
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      if (!text.endsWith('\n')) return;
      socket.end();
      const reply = JSON.parse(text) as ControlReply;
      if ('error' in reply) reject(new SluiceError(reply.error.code, reply.error.message));
      else resolve(reply.ok as ControlReplies[R['op']]);
    });
    socket.once('error', gone);
    socket.once('close', () => gone());
  });
}
