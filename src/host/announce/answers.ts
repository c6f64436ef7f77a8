import { messageOf } from '../../base/errors.ts';
import type { Ip } from '../../base/ip/index.ts';
import type { Netlink } from '../netlink/port.ts';
import { inNetns } from '../netns/netns.ts';
import type { NetnsRef } from '../netns/netns.ts';
import type { SegmentAnswers } from './port.ts';
import { Segment } from './segment.ts';

/** Answers on the interfaces that `netlink` shows, which is of `netns`, or of the calling thread's own namespace. */
export function openSegmentAnswers(
  netlink: Pick<Netlink, 'link'>,
  options: { readonly netns?: NetnsRef } = {},
): SegmentAnswers {
  return new KernelSegmentAnswers(netlink, options.netns);
}

class KernelSegmentAnswers implements SegmentAnswers {
  readonly #netlink: Pick<Netlink, 'link'>;
  readonly #within: (section: () => number) => number;
  readonly #segments = new Map<string, Segment>();

  constructor(netlink: Pick<Netlink, 'link'>, netns: NetnsRef | undefined) {
    this.#netlink = netlink;
    this.#within = (section) => (netns === undefined ? section() : inNetns(netns, section));
  }

  answer(wanted: ReadonlyMap<string, readonly Ip[]>): ReadonlyMap<string, string> {
    const problems = new Map<string, string>();
    for (const name of this.#segments.keys()) if ((wanted.get(name) ?? []).length === 0) this.#close(name);
    for (const [name, addresses] of wanted) {
      if (addresses.length === 0) continue;
      try {
        const segment = this.#segment(name);
        if (segment === undefined) problems.set(name, 'there is no such interface with a hardware address');
        else segment.answer(addresses);
      } catch (error) {
        problems.set(name, messageOf(error));
      }
    }
    return problems;
  }

  repeat(): void {
    for (const segment of this.#segments.values()) segment.repeat();
  }

  [Symbol.dispose](): void {
    for (const name of this.#segments.keys()) this.#close(name);
  }

  /** The segment of the interface as it is now: one of its name may have taken its place, or its hardware address be another. */
  #segment(name: string): Segment | undefined {
    const link = this.#netlink.link(name);
    const known = this.#segments.get(name);
    if (known !== undefined && known.link.index === link?.index && known.link.mac === link.mac) return known;
    this.#close(name);
    if (link?.mac === undefined) return undefined;
    const segment = new Segment({ index: link.index, mac: link.mac }, this.#within);
    this.#segments.set(name, segment);
    return segment;
  }

  #close(name: string): void {
    this.#segments.get(name)?.[Symbol.dispose]();
    this.#segments.delete(name);
  }
}
