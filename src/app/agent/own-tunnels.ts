import type { Delta, TunnelsSpec } from '../../core/calc/model.ts';
import { DEFAULT_SETTINGS } from '../../core/routing/index.ts';
import type { OwnTunnel, TunnelSettings } from '../../core/routing/index.ts';

type OuterPacket = TunnelsSpec['barred'][number];

/** Tells the packet filter of this node's tunnels, as routing brings them about. */
export class OwnTunnels {
  readonly #settings: () => TunnelSettings;
  readonly #apply: (delta: Delta) => void;
  #carrying: TunnelsSpec['devices'] = [];
  /** What this node unwraps, whoever has sent it. */
  #unwrapped: readonly OuterPacket[] = [];
  #encrypting: TunnelsSpec['devices'] = [];
  #known: TunnelsSpec | undefined;

  constructor(settings: () => TunnelSettings, apply: (delta: Delta) => void) {
    this.#settings = settings;
    this.#apply = apply;
  }

  update(tunnels: readonly OwnTunnel[]): void {
    this.#carrying = tunnels.map(({ link, addresses }) => ({
      interface: link.name,
      addresses,
      outer: outerOf(link),
      ...(link.kind === 'vxlan' ? { oneWay: true } : {}),
    }));
    this.#unwrapped = tunnels.filter(({ link }) => link.kind !== 'wireguard').map(({ link }) => outerOf(link));
    this.#publish();
  }

  /** Devices of WireGuard. Pods may send what looks like theirs: nobody unwraps it who has not agreed on a key. */
  updateEncrypting(tunnels: readonly { readonly device: string; readonly port: number }[]): void {
    this.#encrypting = tunnels.map(({ device, port }) => ({
      interface: device,
      addresses: [],
      outer: { protocol: 'udp', port },
    }));
    if (this.#known !== undefined) this.#publish();
  }

  #publish(): void {
    const barred = this.#barred(this.#unwrapped);
    const now = { devices: [...this.#carrying, ...this.#encrypting], barred };
    if (this.#known !== undefined && textOf(now) === textOf(this.#known)) return;
    this.#known = now;
    this.#apply({ kind: 'tunnels', key: '', value: now });
  }

  /** For a new calculation. */
  snapshot(): Delta[] {
    return this.#known === undefined ? [] : [{ kind: 'tunnels', key: '', value: this.#known }];
  }

  /** What pods may not send: what this node would unwrap, and whatever else peers may unwrap. */
  #barred(own: readonly OuterPacket[]): readonly OuterPacket[] {
    const { fromPods, vxlan } = this.#settings();
    const port = vxlan.port ?? DEFAULT_SETTINGS.vxlan.port;
    const isVxlan = (outer: OuterPacket): boolean => outer.protocol === 'udp' && outer.port === port;
    const others = own.filter((outer) => outer.protocol === 'udp' && !isVxlan(outer));
    return [
      ...(fromPods.vxlan ? [] : [{ protocol: 'udp', port } as const]),
      ...(fromPods.ipip ? [] : [{ protocol: 'ipip' } as const]),
      ...others,
    ];
  }
}

function outerOf(link: OwnTunnel['link']): OuterPacket {
  return link.kind === 'ipip' ? { protocol: 'ipip' } : { protocol: 'udp', port: link.port };
}

function textOf(value: TunnelsSpec): string {
  return JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? String(each) : each));
}
