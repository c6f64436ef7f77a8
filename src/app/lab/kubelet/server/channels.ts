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

/** What is sent to the client. */
export interface Channels {
  /** False when the client is slow: the caller should wait for `sent` before it sends more. */
  send(channel: 'stdout' | 'stderr', data: Buffer, sent?: () => void): boolean;
  /** Reports how the command ended and closes. */
  end(status: RemoteStatus): void;
}

/** Bytes that may be under way to a client before it counts as slow. */
const HIGH_WATER = 1024 * 1024;

/** Connects a WebSocket's channels. */
export function serveChannels(socket: WebSocket, listeners: ChannelListeners): Channels {
  const write = (channel: number, data: Buffer, sent: () => void): boolean => {
    if (socket.readyState === socket.OPEN) socket.send(Buffer.concat([Buffer.of(channel), data]), sent);
    return socket.bufferedAmount < HIGH_WATER;
  };
  socket.on('message', (message: Buffer) => dispatch(message, listeners));
  socket.on('close', listeners.onGone);
  // A broken connection is followed by `close`.
  socket.on('error', () => undefined);
  return {
    send: (channel, data, sent = () => undefined) => write(CHANNEL[channel], data, sent),
    end: (status) => {
      write(CHANNEL.error, Buffer.from(JSON.stringify(statusObject(status))), () => undefined);
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
