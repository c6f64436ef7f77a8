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

/** Joins a command to its client. */
export type Connect = (listeners: ChannelListeners) => Channels;

/** What the client says of its terminal. */
export function readSize(text: string): { readonly columns: number; readonly rows: number } {
  const { Width = 80, Height = 24 } = JSON.parse(text) as { Width?: number; Height?: number };
  return { columns: Width, rows: Height };
}

/** The Kubernetes `Status` that the error channel carries. */
export function statusObject(status: RemoteStatus): unknown {
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
