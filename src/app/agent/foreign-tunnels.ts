import type { Delta, TunnelsSpec } from '../../core/calc/model.ts';
import { DEFAULT_SETTINGS } from '../../core/routing/index.ts';
import type { TunnelSettings } from '../../core/routing/index.ts';
import type { Link, Netlink } from '../../host/netlink/port.ts';

export interface ForeignTunnelsDependencies {
  readonly netlink: Pick<Netlink, 'links'>;
  readonly settings: () => TunnelSettings;
  readonly apply: (delta: Delta) => void;
}

type Device = TunnelsSpec['devices'][number];

/**
 * Tells the packet filter of the tunnels that another network has on this node: their packets pass host endpoints, and no
 * pod may send what looks like them, since whoever unwraps it would take what is inside for a peer's.
 */
export class ForeignTunnels {
  readonly #dependencies: ForeignTunnelsDependencies;
  #known: TunnelsSpec | undefined;

  constructor(dependencies: ForeignTunnelsDependencies) {
    this.#dependencies = dependencies;
  }

  /** Looks at the node's devices and the settings anew. */
  update(): void {
    const { netlink, settings, apply } = this.#dependencies;
    const now = tunnelsOf(netlink.links(), settings());
    if (JSON.stringify(now) === JSON.stringify(this.#known)) return;
    this.#known = now;
    apply({ kind: 'tunnels', key: '', value: now });
  }

  /** For a new calculation. */
  snapshot(): Delta[] {
    return this.#known === undefined ? [] : [{ kind: 'tunnels', key: '', value: this.#known }];
  }
}

function tunnelsOf(links: readonly Link[], { fromPods, vxlan }: TunnelSettings): TunnelsSpec {
  const devices = links.map(deviceOf).filter((device) => device !== undefined);
  const ports = devices.flatMap(({ outer }) => (outer.protocol === 'udp' ? [outer.port] : []));
  const barred = new Set([vxlan.port ?? DEFAULT_SETTINGS.vxlan.port, ...ports]);
  return {
    devices,
    barred: [
      ...(fromPods.vxlan ? [] : [...barred].map((port) => ({ protocol: 'udp', port }) as const)),
      ...(fromPods.ipip ? [] : [{ protocol: 'ipip' } as const]),
    ],
  };
}

function deviceOf({ name, kind, vxlan }: Link): Device | undefined {
  const common = { interface: name, addresses: [] };
  if (vxlan !== undefined) return { ...common, outer: { protocol: 'udp', port: vxlan.port } };
  return kind === 'ipip' ? { ...common, outer: { protocol: 'ipip' } } : undefined;
}
