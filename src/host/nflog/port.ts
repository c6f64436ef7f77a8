/** Copies of packets that the packet filter makes. */
export interface PacketCopies {
  /**
   * Calls `look` with each packet that rules copy to `group`, network header first, as soon as it comes. Copies are lost
   * when they come faster than they are looked at. Ends when the result is disposed. Throws when someone else listens.
   */
  listen(group: number, look: (packet: Uint8Array) => void): Disposable;
}
