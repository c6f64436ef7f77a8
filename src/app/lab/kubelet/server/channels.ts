import type { WebSocket } from 'ws';

/**
 * The channels of Kubernetes' remote command protocol: the first byte of every binary message says which
 * (k8s.io/apimachinery/pkg/util/remotecommand). v5 adds that a client may close one: message [255, channel].
 */
export const CHANNEL = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;

/** Subprotocols that {@link serveChannels} speaks, preferred first. */
export const CHANNEL_PROTOCOLS = ['v5.channel.k8s.io', 'v4.channel.k8s.io'];

/** Calls for what arrives from the client. */
export interface ChannelListeners {
  readonly onStdin: (data: Buffer) => void;
  /** The client has no more input. */
  readonly onStdinEnd: () => void;
  readonly onResize: (columns: number, rows: number) => void;
  /** The client has gone. */
  readonly onGone: () => void;
}

/** How a remote command ended, as the error channel reports it. */
export type RemoteStatus =
  { readonly kind: 'exited'; readonly code: number } | { readonly kind: 'failed'; readonly message: string };

/** Connects a WebSocket's channels. `end` reports how the command ended and closes. */
export function serveChannels(
  socket: WebSocket,
  listeners: ChannelListeners,
): { send(channel: 'stdout' | 'stderr', data: Buffer): void; end(status: RemoteStatus): void } {
  const write = (channel: number, data: Buffer): void => {
    if (socket.readyState === socket.OPEN) socket.send(Buffer.concat([Buffer.of(channel), data]));
  };
  socket.on('message', (message: Buffer) => dispatch(message, listeners));
  socket.on('close', listeners.onGone);
  // A broken connection is followed by `close`.
  socket.on('error', () => undefined);
  return {
    send: (channel, data) => write(CHANNEL[channel], data),
    end: (status) => {
      write(CHANNEL.error, Buffer.from(JSON.stringify(statusObject(status))));
      socket.close(1000);
    },
  };
}

function dispatch(message: Buffer, { onStdin, onStdinEnd, onResize }: ChannelListeners): void {
  const data = message.subarray(1);
  switch (message[0]) {
    case CHANNEL.stdin:
      return onStdin(data);
    case CHANNEL.close:
      if (data[0] === CHANNEL.stdin) onStdinEnd();
      return;
    case CHANNEL.resize: {
      const { Width = 80, Height = 24 } = JSON.parse(data.toString('utf8')) as { Width?: number; Height?: number };
      return onResize(Width, Height);
    }
    case undefined:
    default:
      // Empty messages, and channels of a later version of the protocol.
      return;
  }
}

function statusObject(status: RemoteStatus): unknown {
  if (status.kind === 'failed')
    return { metadata: {}, status: 'Failure', message: status.message, reason: 'InternalError', code: 500 };
  if (status.code === 0) return { metadata: {}, status: 'Success' };
  return {
    metadata: {},
    status: 'Failure',
    message: `command terminated with non-zero exit code: exit status ${status.code}`,
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: String(status.code) }] },
  };
}
