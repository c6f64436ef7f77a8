import type { PacketCopies } from './port.ts';

/** Copies without a kernel: `send` is a packet that a rule copies. */
export class FakePacketCopies implements PacketCopies {
  readonly #listeners = new Map<number, (packet: Uint8Array) => void>();

  listen(group: number, look: (packet: Uint8Array) => void): Disposable {
    if (this.#listeners.has(group)) throw new Error(`someone listens to packet group ${group} already`);
    this.#listeners.set(group, look);
    return { [Symbol.dispose]: () => void this.#listeners.delete(group) };
  }

  send(group: number, packet: Uint8Array): void {
    this.#listeners.get(group)?.(packet);
  }
}
