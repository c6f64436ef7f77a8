import { hasCode, messageOf } from '../../base/errors.ts';
import { LINK_FEATURES } from '../../core/routing/index.ts';
import type { NewTunnelLink, RoutingChange, RoutingProblem } from '../../core/routing/index.ts';
import type { Netlink } from '../../host/netlink/port.ts';

interface Missing {
  readonly link: NewTunnelLink;
  readonly problem: RoutingProblem;
}

/** Devices that backends want and this kernel cannot make. Everything else is programmed without them. */
export class MissingDevices {
  readonly #missing = new Map<string, Missing>();

  get size(): number {
    return this.#missing.size;
  }

  /** What users of each device are told, by its name. */
  get problems(): ReadonlyMap<string, RoutingProblem> {
    return new Map([...this.#missing].map(([name, { problem }]) => [name, problem]));
  }

  /** Remembers the device when the kernel does not know its kind; returns whether it is so. */
  learn(change: RoutingChange, error: unknown): boolean {
    if (change.kind !== 'add-link' || !hasCode(error, 'unsupported')) return false;
    this.#remember(change.link, error);
    return true;
  }

  /** Tries again: a module may have been loaded meanwhile. A device that is made now is there as it was wanted. */
  retry(netlink: Netlink): void {
    for (const [name, { link }] of this.#missing) {
      const [error] = netlink.attempt([{ kind: 'add-link', link }]);
      if (error === undefined || !hasCode(error, 'unsupported')) this.#missing.delete(name);
    }
  }

  #remember(link: NewTunnelLink, error: unknown): void {
    const { option, module } = LINK_FEATURES[link.type];
    const message =
      `this kernel cannot make ${link.name}, a device of kind ${link.type} (${messageOf(error)}): ` +
      `it needs ${option} (modprobe ${module}); pods behind this tunnel cannot be reached`;
    this.#missing.set(link.name, { link, problem: { peer: '', code: 'no-device', message } });
  }
}
