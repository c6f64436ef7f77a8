import type { WebSocket } from 'ws';
import { readSize, statusObject } from './channels.ts';
import type { ChannelListeners, Channels } from './channels.ts';

/**
 * The channels of Kubernetes' remote command protocol: the first byte of every binary message says which
 * (k8s.io/apimachinery/pkg/util/remotecommand). v5 adds that a client may close one: message [255, channel].
 */
const CHANNEL = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;

/** Subprotocols that {@link webSocketChannels} speaks, preferred first. */
export const CHANNEL_PROTOCOLS = ['v5.channel.k8s.io', 'v4.channel.k8s.io'];

/** Bytes that may be under way to a client before it counts as slow. */
const HIGH_WATER = 1024 * 1024;

/** Connects a WebSocket's channels. */
export function webSocketChannels(socket: WebSocket, listeners: ChannelListeners): Channels {
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
      const { columns, rows } = readSize(data.toString('utf8'));
      return onResize(columns, rows);
    }
    case undefined:
    default:
      // Empty messages, and channels of a later version of the protocol.
      return;
  }
}
