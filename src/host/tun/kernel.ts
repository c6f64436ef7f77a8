import { Worker } from 'node:worker_threads';
import { equalIp } from '../../base/ip/index.ts';
import type { Ip } from '../../base/ip/index.ts';
import { messageOf } from '../../base/errors.ts';
import { expectSuccess } from '../errno.ts';
import { EFD_CLOEXEC, close, eventfd, writeValue } from '../libc.ts';
import { inNetns } from '../netns/netns.ts';
import type { NetnsRef } from '../netns/netns.ts';
import { COUNTERS } from './forwarder.ts';
import type { UserTunnel, UserTunnelStatus, UserTunnels } from './port.ts';
import { openTap } from './tap-device.ts';
import { openUdpSocket } from './udp-socket.ts';
import type { WorkerData, WorkerNews } from './worker.ts';

/** Tunnels of `netns`, or of the namespace of whoever sets them. `onFailure` hears when one that was carried is no more. */
export function openUserTunnels(
  onFailure: (reason: string) => void,
  { netns }: { readonly netns?: NetnsRef } = {},
): UserTunnels {
  return new KernelUserTunnels(onFailure, netns);
}

class KernelUserTunnels implements UserTunnels {
  readonly #onFailure: (reason: string) => void;
  readonly #netns: NetnsRef | undefined;
  #carrier: Carrier | undefined;
  #leaving: Promise<void> = Promise.resolve();

  constructor(onFailure: (reason: string) => void, netns: NetnsRef | undefined) {
    this.#onFailure = onFailure;
    this.#netns = netns;
  }

  set(tunnel: UserTunnel | undefined): void {
    if (this.#netns === undefined) this.#set(tunnel);
    else inNetns(this.#netns, () => this.#set(tunnel));
  }

  get carries(): boolean {
    return this.#carrier !== undefined;
  }

  remove(): 'left' {
    this.#set(undefined);
    return 'left';
  }

  counters(): Readonly<Record<string, number>> | undefined {
    return this.status() as Readonly<Record<string, number>> | undefined;
  }

  /** The thread notices by itself that its device is gone. */
  lost(): void {}

  status(): UserTunnelStatus | undefined {
    return this.#carrier?.status();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#set(undefined);
    await this.#leaving;
  }

  #set(tunnel: UserTunnel | undefined): void {
    if (this.#carrier !== undefined && this.#carrier.name !== tunnel?.name) this.#leave(this.#carrier);
    if (tunnel === undefined) return;
    if (this.#carrier === undefined) {
      const carrier = new Carrier(tunnel, (reason) => {
        if (this.#carrier === carrier) this.#carrier = undefined;
        this.#onFailure(reason);
      });
      this.#carrier = carrier;
    } else this.#carrier.set(tunnel);
  }

  #leave(carrier: Carrier): void {
    this.#carrier = undefined;
    const before = this.#leaving;
    this.#leaving = (async () => {
      await before;
      await carrier.stop();
    })();
  }
}

/** One device with its socket and the thread that works on both. */
class Carrier {
  readonly name: string;
  readonly #counters = new Float64Array(new SharedArrayBuffer(Float64Array.BYTES_PER_ELEMENT * COUNTERS.length));
  readonly #tap: number;
  readonly #news: number;
  readonly #worker: Worker;
  readonly #gone: Promise<void>;
  #socket: number;
  #local: Ip;
  #port: number;
  #stopped = false;

  constructor({ name, mac, local, port, peers }: UserTunnel, onFailure: (reason: string) => void) {
    using undo = new DisposableStack();
    this.name = name;
    this.#local = local;
    this.#port = port;
    this.#socket = undo.adopt(openUdpSocket(local, port), close);
    this.#tap = undo.adopt(openTap(name), close);
    this.#news = undo.adopt(expectSuccess(eventfd(0, EFD_CLOEXEC), 'making an eventfd'), close);
    const descriptors = { tap: this.#tap, socket: this.#socket, news: this.#news };
    const workerData: WorkerData = { descriptors, counters: this.#counters, mac, port, peers };
    this.#worker = new Worker(new URL('worker.ts', import.meta.url), { workerData, name: `tunnel ${name}` });
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#gone = promise;
    let reason = 'the thread that carries the tunnel ended';
    this.#worker.on('error', (error) => (reason = messageOf(error)));
    this.#worker.on('exit', () => {
      for (const fd of [this.#tap, this.#socket, this.#news]) close(fd);
      resolve();
      if (!this.#stopped) onFailure(`tun device ${name}: ${reason}`);
    });
    undo.move();
  }

  set({ mac, local, port, peers }: UserTunnel): void {
    let old: number | undefined;
    if (!equalIp(local, this.#local) || port !== this.#port) {
      const socket = openUdpSocket(local, port);
      old = this.#socket;
      this.#socket = socket;
      this.#local = local;
      this.#port = port;
    }
    this.#tell({ kind: 'change', socket: this.#socket, mac, port, peers, ...(old === undefined ? {} : { old }) });
  }

  status(): UserTunnelStatus {
    const entries = COUNTERS.map((name, index) => [name, this.#counters[index]!] as const);
    return Object.fromEntries(entries) as Record<(typeof COUNTERS)[number], number>;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#tell({ kind: 'stop' });
    await this.#gone;
  }

  #tell(news: WorkerNews): void {
    this.#worker.postMessage(news);
    writeValue(this.#news, BigUint64Array.of(1n), 8);
  }
}
