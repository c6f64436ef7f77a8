import { equalIp } from '../../base/ip/index.ts';
import type { Cidr, Family, Ip } from '../../base/ip/index.ts';
import type { TunnelPath } from './backend.ts';
import { PAST_RETURN_RULES, RETURN_RULE_PRIORITY, ROUTE_PROTOCOL } from './constants.ts';
import type { Items } from './network-items.ts';
import type { Peer } from './peer.ts';
import { RETURN_MARK_MASK, returnTable } from './return-marks.ts';
import type { BackendName, DesiredRoute, DesiredRule, ReturnPeer } from './types.ts';

/** The backends in use, of each family. */
export type UsedBackends = Readonly<Record<Family, readonly BackendName[]>>;

/** What one peer brings about, whether it has pods or not. */
export interface PeerDerivation {
  readonly items: Items;
  /** How connections that come through it are known; undefined when they cannot be. */
  readonly returnPeer: ReturnPeer | undefined;
  /** Whether answers to some of them leave by the underlay. */
  readonly answeredDirectly: boolean;
  /** The MTU that fits every path to it. */
  readonly mtu: number;
}

const FAMILIES: readonly Family[] = [4, 6];

/** Every address of a family. */
const ANYWHERE: Readonly<Record<Family, Cidr>> = {
  4: { ip: { family: 4, value: 0n }, prefix: 0 },
  6: { ip: { family: 6, value: 0n }, prefix: 0 },
};

/** The ends of tunnels to a peer, and the way back for connections that come through it. */
export function derivePeer(peer: Peer, used: UsedBackends, mark: number | undefined): PeerDerivation {
  const paths = FAMILIES.flatMap((family) => used[family].map((backend) => peer.pathBy(backend, family)));
  const tunnels = paths.filter((path) => path.kind === 'tunnel');
  const back = mark === undefined ? [] : FAMILIES.flatMap((family) => returnPath(peer, family, used[family], mark));
  const signs = FAMILIES.flatMap((family) => used[family].map((backend) => peer.signsBy(backend, family)));
  const hops = FAMILIES.flatMap((family) => used[family].flatMap((backend) => peer.hopsBy(backend, family)));
  const known = {
    macs: [...new Set(back.length === 0 ? [] : signs.flatMap(({ macs }) => macs))],
    outers: distinct(back.length === 0 ? [] : signs.flatMap(({ outers }) => outers)),
    hops: distinct(hops),
  };
  return {
    items: {
      neighbours: tunnels.flatMap(({ device: link, via: ip, bridge }) =>
        ip === undefined || bridge === undefined ? [] : [{ link, ip, mac: bridge.mac }],
      ),
      fdb: forwarding(tunnels),
      returnRoutes: back.map(({ route }) => route),
      rules: back.map(({ rule }) => rule),
    },
    returnPeer:
      mark === undefined || back.length + known.hops.length === 0 ? undefined : { node: peer.name, ...known, mark },
    answeredDirectly: back.some(({ direct }) => direct),
    mtu: Math.min(...paths.filter(({ kind }) => kind !== 'problem').map((path) => peer.mtuOf(path))),
  };
}

/** One entry for each device, though both families lead there. */
function forwarding(tunnels: readonly TunnelPath[]): Items['fdb'] & {} {
  const entries = new Map(tunnels.flatMap(({ device, bridge }) => (bridge === undefined ? [] : [[device, bridge]])));
  return [...entries].map(([link, bridge]) => ({ link, ...bridge }));
}

function distinct(addresses: readonly Ip[]): readonly Ip[] {
  return addresses.filter((ip, i) => addresses.findIndex((each) => equalIp(each, ip)) === i);
}

interface ReturnPath {
  readonly rule: DesiredRule;
  readonly route: DesiredRoute;
  readonly direct: boolean;
}

/** The way back in one family: along the first of the ways that the peer's packets may come. */
function returnPath(peer: Peer, family: Family, used: readonly BackendName[], mark: number): readonly ReturnPath[] {
  const first = used.find((backend) => {
    const { macs, outers } = peer.signsBy(backend, family);
    return macs.length + outers.length > 0;
  });
  if (first === undefined) return [];
  const path = peer.backBy(first, family);
  const route = peer.routeTo(ANYWHERE[family], path);
  if (route === undefined) return [];
  const table = returnTable(mark);
  const rule: DesiredRule = {
    family,
    priority: RETURN_RULE_PRIORITY,
    mark: { value: mark, mask: RETURN_MARK_MASK },
    table,
    protocol: ROUTE_PROTOCOL,
  };
  return [{ rule, route: { ...route, table }, direct: path.kind === 'direct' }];
}

/**
 * The kernel looks at rules one after the other for each packet that it routes, and there is one for each peer: what has
 * no mark, and that is nearly everything, goes past them in one step.
 */
export function pastReturnRules(family: Family): readonly DesiredRule[] {
  const { from, to } = PAST_RETURN_RULES;
  const unmarked = { value: 0, mask: RETURN_MARK_MASK };
  return [
    { family, priority: to, table: 0, action: 'nop', protocol: ROUTE_PROTOCOL },
    { family, priority: from, table: 0, action: { goto: to }, mark: unmarked, protocol: ROUTE_PROTOCOL },
  ];
}
