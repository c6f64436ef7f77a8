import { rmSync } from 'node:fs';
import type { Server, Socket } from 'node:net';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { SluiceError, messageOf } from '../../../base/errors.ts';
import type { ControlReply, ControlRequest } from '../lab-types.ts';

/** Serves requests, one JSON object per line, each answered in order by one line. */
export function startControlSocket(
  path: string,
  answer: (request: ControlRequest) => Promise<unknown>,
): Promise<Server> {
  rmSync(path, { force: true });
  const server = createServer((socket) => {
    // A client that goes away needs no answer.
    socket.on('error', () => undefined);
    void serve(socket, answer);
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => resolve(server));
  });
}

async function serve(socket: Socket, answer: (request: ControlRequest) => Promise<unknown>): Promise<void> {
  for await (const line of createInterface({ input: socket })) {
    const reply = await replyTo(line, answer);
    if (socket.writable) socket.write(`${JSON.stringify(reply)}\n`);
  }
}

async function replyTo(line: string, answer: (request: ControlRequest) => Promise<unknown>): Promise<ControlReply> {
  try {
    return { ok: (await answer(JSON.parse(line) as ControlRequest)) ?? null };
  } catch (error) {
    const code = error instanceof SluiceError ? error.code : 'control-failed';
    return { error: { code, message: messageOf(error) } };
  }
}
