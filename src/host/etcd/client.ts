import { Connections } from './connections.ts';
import type { Endpoint, TlsIdentity } from './endpoint.ts';
import { EtcdError } from './errors.ts';
import type { GrpcChannel } from './grpc-channel.ts';
import {
  decodeKeepAlive,
  decodeRange,
  decodeToken,
  decodeTxn,
  decodeWatch,
  encodeAuthenticate,
  encodeCompaction,
  encodeLeaseGrant,
  encodeLeaseId,
  encodeRange,
  encodeTxn,
  encodeWatchCreate,
} from './messages.ts';
import type { Etcd, EtcdCallOptions, KeyRange, RangeResult, TxnRequest, TxnResult, WatchBatch } from './types.ts';

/** Where etcd is and how to prove who we are. `config.ts` makes one from the environment. */
export interface EtcdConfig extends TlsIdentity {
  readonly endpoints: readonly Endpoint[];
  readonly username?: string;
  readonly password?: string;
  /** Milliseconds for one call with all its retries; default 5000. */
  readonly timeout?: number;
  /** Milliseconds between signs of life that a connection with a watch must give; default 10 000. */
  readonly keepalive?: number;
}

const DEFAULT_TIMEOUT = 5000;
/**
 * How long an endpoint may take over a read while there are others to ask, milliseconds. Twice as long in every further
 * round: a cluster of which no member answers that fast is slow, not dead.
 */
const READ_PATIENCE = 1000;

/** How a call may be repeated. */
interface CallShape {
  /** Asking twice is as good as once. */
  readonly repeatable: boolean;
}

/** A client of an etcd cluster, over gRPC. Close it when done. */
export function etcdClient(config: EtcdConfig): Etcd {
  return new EtcdClient(config);
}

class EtcdClient implements Etcd {
  readonly #config: EtcdConfig;
  readonly #connections: Connections;
  /** The token of the current session, or its being fetched. */
  #token: Promise<string> | undefined;

  constructor(config: EtcdConfig) {
    this.#config = config;
    this.#connections = new Connections(config.endpoints, config);
  }

  close(): void {
    this.#connections.close();
  }

  async range(range: KeyRange, options: EtcdCallOptions = {}): Promise<RangeResult> {
    return decodeRange(await this.#call('KV/Range', encodeRange(range).finish(), options, { repeatable: true }));
  }

  async txn(request: TxnRequest, options: EtcdCallOptions = {}): Promise<TxnResult> {
    return decodeTxn(await this.#call('KV/Txn', encodeTxn(request), options, { repeatable: false }));
  }

  async put(key: string, value: string, lease?: number, options: EtcdCallOptions = {}): Promise<number> {
    const put = { kind: 'put', key, value, ...(lease === undefined ? {} : { lease }) } as const;
    return (await this.txn({ when: [], success: [put] }, options)).revision;
  }

  async delete(range: KeyRange, options: EtcdCallOptions = {}): Promise<number> {
    return (await this.txn({ when: [], success: [{ kind: 'delete', range }] }, options)).revision;
  }

  async grantLease(seconds: number, options: EtcdCallOptions = {}): Promise<number> {
    // Chosen here, because a number of etcd's own may exceed what a number holds exactly.
    const id = 1 + Math.floor(Math.random() * (Number.MAX_SAFE_INTEGER - 1));
    await this.#call('Lease/LeaseGrant', encodeLeaseGrant(id, seconds), options, { repeatable: false });
    return id;
  }

  async keepLeaseAlive(lease: number, options: EtcdCallOptions = {}): Promise<number> {
    const { channel, metadata, timeout } = await this.#prepare(options);
    const stream = channel.stream('/etcdserverpb.Lease/LeaseKeepAlive', { metadata, timeout, signal: options.signal });
    stream.send(encodeLeaseId(lease));
    try {
      for await (const message of stream.messages) return decodeKeepAlive(message);
    } finally {
      stream.close();
    }
    throw new EtcdError('unavailable', 'etcd ended a keep-alive without an answer');
  }

  async revokeLease(lease: number, options: EtcdCallOptions = {}): Promise<void> {
    await this.#call('Lease/LeaseRevoke', encodeLeaseId(lease), options, { repeatable: false });
  }

  async compact(revision: number, options: EtcdCallOptions = {}): Promise<void> {
    await this.#call('KV/Compact', encodeCompaction(revision), options, { repeatable: false });
  }

  async *watch(range: KeyRange, revision: number, signal: AbortSignal): AsyncGenerator<WatchBatch> {
    try {
      yield* this.#watch(range, revision, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  async *#watch(range: KeyRange, revision: number, signal: AbortSignal): AsyncGenerator<WatchBatch> {
    const { channel, metadata } = await this.#prepare({ signal });
    const stream = channel.stream('/etcdserverpb.Watch/Watch', {
      // A member that has lost its leader ends the watch instead of going silent (rpctypes.MetadataRequireLeaderKey).
      metadata: { ...metadata, hasleader: 'true' },
      timeout: 0,
      signal,
    });
    stream.send(encodeWatchCreate(range, revision));
    try {
      for await (const message of stream.messages) {
        const { compactRevision, canceled, created, reason, events, revision: told } = decodeWatch(message);
        if (compactRevision > 0)
          throw new EtcdError('compacted', `etcd no longer has revision ${revision}, only from ${compactRevision} on`);
        if (canceled) throw this.#cancelled(reason);
        if (!created) yield { revision: told, events };
      }
      throw new EtcdError('unavailable', `etcd at ${channel.endpoint.text} ended a watch`);
    } catch (error) {
      if (isFailure(error)) this.#connections.failed(channel);
      if (error instanceof EtcdError && error.code === 'unauthenticated') this.#token = undefined;
      throw error;
    } finally {
      stream.close();
    }
  }

  /** A watch is refused without a status: that the token is too old cannot be told from other reasons. */
  #cancelled(reason: string): EtcdError {
    const code = this.#config.username === undefined ? 'unavailable' : 'unauthenticated';
    return new EtcdError(code, `etcd refused a watch: ${reason === '' ? 'it gave no reason' : reason}`);
  }

  /** Makes one call: on the next endpoint where that is safe, with a new token where the old one is no longer good. */
  async #call(method: string, message: Buffer, options: EtcdCallOptions, shape: CallShape): Promise<Buffer> {
    const deadline = Date.now() + (options.timeout ?? this.#config.timeout ?? DEFAULT_TIMEOUT);
    const endpoints = this.#config.endpoints.length;
    let renewed = false;
    for (let attempt = 0; ; attempt++) {
      const { channel, metadata, timeout } = await this.#prepare({ ...options, timeout: deadline - Date.now() });
      const isRound = shape.repeatable && endpoints > 1;
      const patience = isRound ? Math.min(timeout, READ_PATIENCE * 2 ** Math.floor(attempt / endpoints)) : timeout;
      try {
        const call = { metadata, timeout: patience, signal: options.signal };
        return await channel.unary(`/etcdserverpb.${method}`, message, call);
      } catch (error) {
        if (isFailure(error)) this.#connections.failed(channel);
        if (isFailure(error) && shape.repeatable && Date.now() < deadline) continue;
        if (renewed || !this.#mayBeStaleToken(error)) throw error;
        this.#token = undefined;
        renewed = true;
      }
    }
  }

  async #prepare(
    options: EtcdCallOptions,
  ): Promise<{ channel: GrpcChannel; metadata: Readonly<Record<string, string>>; timeout: number }> {
    const deadline = Date.now() + (options.timeout ?? this.#config.timeout ?? DEFAULT_TIMEOUT);
    const channel = await this.#connections.get(deadline, options.signal);
    const token = await this.#authenticate(channel, deadline);
    return {
      channel,
      metadata: token === undefined ? {} : { token },
      timeout: Math.max(1, deadline - Date.now()),
    };
  }

  async #authenticate(channel: GrpcChannel, deadline: number): Promise<string | undefined> {
    const { username, password = '' } = this.#config;
    if (username === undefined) return undefined;
    this.#token ??= this.#fetchToken(channel, username, password, deadline);
    try {
      return await this.#token;
    } catch (error) {
      this.#token = undefined;
      if (isFailure(error)) this.#connections.failed(channel);
      throw error;
    }
  }

  async #fetchToken(channel: GrpcChannel, username: string, password: string, deadline: number): Promise<string> {
    const call = { metadata: {}, timeout: Math.max(1, deadline - Date.now()) };
    try {
      const answer = await channel.unary(
        '/etcdserverpb.Auth/Authenticate',
        encodeAuthenticate(username, password),
        call,
      );
      return decodeToken(answer);
    } catch (error) {
      if (!(error instanceof EtcdError) || error.code !== 'invalid') throw error;
      throw new EtcdError('unauthenticated', `etcd does not accept user '${username}': ${error.message}`, {}, error);
    }
  }

  /** A token ends by time, with a restart of etcd and with any change of users (the last comes as `invalid`). */
  #mayBeStaleToken(error: unknown): boolean {
    if (this.#config.username === undefined || !(error instanceof EtcdError)) return false;
    return error.code === 'unauthenticated' || error.code === 'invalid';
  }
}

/** The server, not the question, is at fault. */
function isFailure(error: unknown): boolean {
  return error instanceof EtcdError && (error.code === 'unavailable' || error.code === 'timeout');
}
