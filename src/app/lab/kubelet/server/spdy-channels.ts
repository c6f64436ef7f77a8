import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { serveSpdy } from '../../../../host/spdy/connection.ts';
import type { SpdyStream } from '../../../../host/spdy/connection.ts';
import { readSize, statusObject } from './channels.ts';
import type { Connect } from './channels.ts';
import type { RemoteCommand } from './remote-command.ts';

/** The form of the error stream that kubectl has spoken since 1.4: a `Status` object. */
const PROTOCOL = 'v4.channel.k8s.io';
/** How long a client may take to open its streams, milliseconds, as the kubelet's own default. */
const PATIENCE = 30_000;

/** Whether the client offers the one form of the protocol that is served. */
export function offersSpdyChannels({ headers }: IncomingMessage): boolean {
  return [headers['x-stream-protocol-version'] ?? []].flat().join(',').split(/,\s*/u).includes(PROTOCOL);
}

/**
 * Upgrades a connection to SPDY and calls `serve` when the client has opened a stream for each part of `wanted`
 * (k8s.io/kubelet, package remotecommand): standard input and output, `error` for the outcome, `resize` for a terminal.
 */
export async function upgradeToSpdy(
  { socket, head }: { readonly socket: Duplex; readonly head: Buffer },
  wanted: RemoteCommand,
  serve: (connect: Connect) => Promise<void>,
): Promise<void> {
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: ${PROTOCOL}\r\n\r\n`,
  );
  const awaited = new Set(streamsOf(wanted));
  const streams = new Map<string, SpdyStream>();
  const impatient = setTimeout(() => socket.destroy(), PATIENCE);
  let onGone = (): void => undefined;
  const connect: Connect = (listeners) => {
    ({ onGone } = listeners);
    streams.get('stdin')?.listen({ onData: listeners.onStdin, onEnd: listeners.onStdinEnd });
    streams.get('resize')?.listen({ onData: (data) => resize(data, listeners.onResize) });
    return {
      send: (channel, data, sent) => streams.get(channel)?.write(data, sent) ?? true,
      end: (status) => {
        streams.get('error')?.write(Buffer.from(JSON.stringify(statusObject(status))));
        for (const stream of streams.values()) stream.end();
        socket.end();
      },
    };
  };
  await serveSpdy(socket, head, (headers, stream) => {
    const type = headers.get('streamtype') ?? '';
    streams.set(type, stream);
    if (!awaited.delete(type) || awaited.size > 0) return;
    clearTimeout(impatient);
    serve(connect).catch(() => socket.destroy());
  });
  clearTimeout(impatient);
  onGone();
}

function streamsOf({ stdin, stdout, stderr, tty }: RemoteCommand): string[] {
  const wanted = { error: true, stdin, stdout, stderr: stderr && !tty, resize: tty };
  return Object.entries(wanted).flatMap(([type, isWanted]) => (isWanted ? [type] : []));
}

/** Sizes come as lines of JSON; several may arrive at once, of which the last counts. */
function resize(data: Buffer, onResize: (columns: number, rows: number) => void): void {
  const last = data.toString('utf8').trim().split('\n').at(-1) ?? '';
  try {
    const { columns, rows } = readSize(last);
    onResize(columns, rows);
  } catch {
    // Cut in the middle: the next one says it again.
  }
}
