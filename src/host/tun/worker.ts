import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { close } from '../libc.ts';
import { Forwarder } from './forwarder.ts';
import type { ForwarderDescriptors } from './forwarder.ts';
import type { TunnelPeer } from './peers.ts';

/** What the thread is started with; the descriptors are the process's, the counters shared memory. */
export interface WorkerData {
  readonly descriptors: ForwarderDescriptors;
  readonly counters: Float64Array<SharedArrayBuffer>;
  readonly mac: string;
  readonly port: number;
  readonly peers: readonly TunnelPeer[];
}

/** News for the thread, which reads it when its eventfd has been written to. It closes the `old` socket. */
export type WorkerNews =
  | {
      readonly kind: 'change';
      readonly socket: number;
      readonly old?: number;
      readonly mac: string;
      readonly port: number;
      readonly peers: readonly TunnelPeer[];
    }
  | { readonly kind: 'stop' };

const parent = parentPort!;
const { descriptors, counters, ...tunnel } = workerData as WorkerData;
const forwarder = new Forwarder(descriptors, counters);
forwarder.change({ socket: descriptors.socket, ...tunnel });
forwarder.run(readNews);

/** The thread waits in the kernel and never returns to its event loop, so messages are fetched instead of delivered. */
function readNews(): boolean {
  for (let news = nextNews(); news !== undefined; news = nextNews()) {
    if (news.kind === 'stop') return false;
    forwarder.change(news);
    if (news.old !== undefined) close(news.old);
  }
  return true;
}

function nextNews(): WorkerNews | undefined {
  return receiveMessageOnPort(parent)?.message as WorkerNews | undefined;
}
