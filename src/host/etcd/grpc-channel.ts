import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2';
import { authorityOf, openSocket } from './endpoint.ts';
import type { Endpoint, TlsIdentity } from './endpoint.ts';
import { EtcdError, etcdErrorOf } from './errors.ts';
import { MessageSplitter, framed } from './grpc-frames.ts';

/** Not imported, see `host/http.ts`: the import statement would load every lazy part of Node's network modules. */
const http2 = process.getBuiltinModule('node:http2');

/**
 * A connection that carries a stream is asked for a sign of life this often, milliseconds; etcd allows every 5 s
 * (`--grpc-keepalive-min-time`).
 */
const KEEPALIVE = 10_000;

/** How one call is made. */
export interface CallOptions {
  readonly metadata: Readonly<Record<string, string>>;
  /** Milliseconds; 0: none. */
  readonly timeout: number;
  readonly signal?: AbortSignal | undefined;
}

/** A call with many answers, open until either side ends it. */
export interface GrpcStream {
  send(message: Buffer): void;
  /** Ends when the server or {@link close} ended the call; throws what it failed with. */
  readonly messages: AsyncIterable<Buffer>;
  close(): void;
}

/**
 * gRPC over one HTTP/2 connection (grpc/doc/PROTOCOL-HTTP2.md) to one server, as far as etcd needs it: unary and
 * two-way calls, no compression.
 */
export class GrpcChannel {
  readonly endpoint: Endpoint;
  readonly #session: ClientHttp2Session;
  readonly #connected: Promise<void>;
  #failure: Error | undefined;
  #calls = 0;
  #streams = 0;
  readonly #keepaliveInterval: number;
  #keepalive: NodeJS.Timeout | undefined;

  /** `keepalive`: milliseconds between signs of life, and half of them for the answer. */
  constructor(endpoint: Endpoint, identity: TlsIdentity, keepalive = KEEPALIVE) {
    this.endpoint = endpoint;
    this.#keepaliveInterval = keepalive;
    const scheme = endpoint.secure ? 'https' : 'http';
    this.#session = http2.connect(`${scheme}://${authorityOf(endpoint)}`, {
      createConnection: () => openSocket(endpoint, identity),
      settings: { enablePush: false, initialWindowSize: 4 * 1024 * 1024 },
    });
    this.#session.on('error', (error: Error) => (this.#failure ??= error));
    this.#session.on('close', () => clearInterval(this.#keepalive));
    this.#connected = new Promise((resolve, reject) => {
      this.#session.once('connect', () => resolve());
      this.#session.once('close', () => reject(this.#unavailable('the connection was closed')));
    });
    this.#connected.catch(() => undefined);
  }

  /** Whether new calls can be made. */
  get usable(): boolean {
    return !this.#session.closed && !this.#session.destroyed;
  }

  /** Whether no call is under way. */
  get idle(): boolean {
    return this.#calls === 0;
  }

  /** Resolves when the server has answered; rejects with `unavailable`, after `timeout` milliseconds at the latest. */
  async connect(timeout: number): Promise<void> {
    const { promise: expired, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      reject(this.#unavailable(`no connection within ${timeout} ms`));
      this.#session.destroy();
    }, timeout);
    try {
      await Promise.race([this.#connected, expired]);
    } finally {
      clearTimeout(timer);
    }
  }

  close(): void {
    this.#session.destroy();
  }

  /** One question, one answer. */
  unary(path: string, message: Buffer, options: CallOptions): Promise<Buffer> {
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    const answers: Buffer[] = [];
    const stream = this.#call(path, options, {
      onMessage: (answer) => answers.push(answer),
      onEnd: (error) => {
        if (error !== undefined) reject(error);
        else if (answers.length === 1) resolve(answers[0]!);
        else reject(new EtcdError('bad-response', `etcd ${path}: ${answers.length} answers instead of one`));
      },
    });
    stream?.end(framed(message));
    return promise;
  }

  /** Opens a two-way call. */
  stream(path: string, options: CallOptions): GrpcStream {
    const queue = new MessageQueue();
    const stream = this.#call(path, options, {
      onMessage: (message) => queue.push(message),
      onEnd: (error) => {
        this.#release();
        queue.end(error);
      },
    });
    this.#hold();
    return {
      send: (message) => void stream?.write(framed(message)),
      messages: queue,
      close: () => {
        queue.end(undefined);
        stream?.close(http2.constants.NGHTTP2_CANCEL);
      },
    };
  }

  /** Begins a call; `onEnd` comes exactly once and never before this has returned, and so it does without a stream. */
  #call(path: string, options: CallOptions, listener: CallListener): ClientHttp2Stream | undefined {
    if (options.signal?.aborted === true || !this.usable) {
      const aborted = options.signal?.aborted === true;
      const error = aborted ? cancelled(path) : this.#unavailable('the connection was closed');
      queueMicrotask(() => listener.onEnd(error));
      return undefined;
    }
    const stream = this.#session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
      'user-agent': 'sluice',
      ...(options.timeout > 0 ? { 'grpc-timeout': `${Math.ceil(options.timeout)}m` } : {}),
      ...options.metadata,
    });
    this.#calls++;
    const onEnd = (error?: EtcdError): void => {
      this.#calls--;
      listener.onEnd(error);
    };
    this.#follow(stream, path, options, { ...listener, onEnd });
    return stream;
  }

  #follow(
    stream: ClientHttp2Stream,
    path: string,
    { timeout, signal }: CallOptions,
    { onMessage, onEnd }: CallListener,
  ): void {
    const splitter = new MessageSplitter();
    let trailers: IncomingHttpHeaders | undefined;
    let reason: EtcdError | undefined;
    const cancel = (error: EtcdError): void => {
      reason ??= error;
      stream.close(http2.constants.NGHTTP2_CANCEL);
    };
    const onTimeout = (): void => {
      cancel(new EtcdError('timeout', `etcd ${path}: ${this.endpoint.text} gave no answer for ${timeout} ms`));
      this.#probe();
    };
    const timer = timeout > 0 ? setTimeout(onTimeout, timeout) : undefined;
    const onAbort = (): void => cancel(cancelled(path));
    signal?.addEventListener('abort', onAbort, { once: true });
    stream.on('response', (headers) => {
      if (headers['grpc-status'] !== undefined) trailers = headers;
      else if (headers[':status'] !== 200)
        cancel(new EtcdError('bad-response', `etcd ${path}: HTTP status ${headers[':status']}: is it an etcd server?`));
    });
    stream.on('trailers', (headers) => (trailers = headers));
    stream.on('data', (chunk: Buffer) => {
      try {
        for (const message of splitter.push(chunk)) onMessage(message);
      } catch (error) {
        cancel(error instanceof EtcdError ? error : new EtcdError('bad-response', String(error), {}, error));
      }
    });
    // What went wrong is told by the session; `close` follows in any case.
    stream.on('error', () => undefined);
    stream.on('close', () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      const brokenOff = trailers === undefined ? this.#unavailable(`the connection broke during ${path}`) : undefined;
      onEnd(reason ?? brokenOff ?? outcomeOf(trailers!, path));
    });
  }

  /** A server that is silent may be cut off: if it answers no ping either, the connection ends. */
  #probe(): void {
    if (!this.usable) return;
    const timer = setTimeout(() => {
      this.#failure ??= new Error('no answer to a ping');
      this.#session.destroy(this.#failure);
    }, this.#keepaliveInterval / 2);
    const sent = this.#session.ping(() => clearTimeout(timer));
    if (!sent) clearTimeout(timer);
  }

  #hold(): void {
    this.#streams++;
    this.#keepalive ??= setInterval(() => this.#probe(), this.#keepaliveInterval);
  }

  #release(): void {
    if (--this.#streams > 0) return;
    clearInterval(this.#keepalive);
    this.#keepalive = undefined;
  }

  #unavailable(what: string): EtcdError {
    const why = this.#failure === undefined ? what : this.#failure.message;
    return new EtcdError('unavailable', `etcd at ${this.endpoint.text}: ${why}`, {}, this.#failure);
  }
}

interface CallListener {
  readonly onMessage: (message: Buffer) => void;
  readonly onEnd: (error?: EtcdError) => void;
}

function cancelled(path: string): EtcdError {
  return new EtcdError('aborted', `etcd ${path}: cancelled`);
}

function outcomeOf(trailers: IncomingHttpHeaders, path: string): EtcdError | undefined {
  const status = Number(trailers['grpc-status']);
  if (status === 0) return undefined;
  return etcdErrorOf(status, readable(String(trailers['grpc-message'] ?? `status ${status}`)), path);
}

/** Percent-decoded, where that is possible: what fails must not fail in the telling of it. */
function readable(message: string): string {
  try {
    return decodeURIComponent(message);
  } catch {
    return message;
  }
}

/** What has arrived and was not read yet. */
class MessageQueue implements AsyncIterable<Buffer> {
  readonly #waiting: Buffer[] = [];
  #ended: { readonly error: EtcdError | undefined } | undefined;
  #wake: () => void = () => undefined;

  push(message: Buffer): void {
    this.#waiting.push(message);
    this.#wake();
  }

  end(error: EtcdError | undefined): void {
    this.#ended ??= { error };
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    for (;;) {
      yield* this.#waiting.splice(0);
      if (this.#waiting.length > 0) continue;
      if (this.#ended?.error !== undefined) throw this.#ended.error;
      if (this.#ended !== undefined) return;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
