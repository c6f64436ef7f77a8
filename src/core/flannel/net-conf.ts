import type { Cidr, Family } from '../../base/ip/index.ts';
import { FieldReader } from './field-reader.ts';
import { fieldsOf, parseFields } from './json-fields.ts';
import { FAMILIES } from './lease.ts';
import { readWireguard } from './net-conf-wireguard.ts';
import type { FlannelWireguardBackend } from './net-conf-wireguard.ts';

/** A way between nodes that flannel and Sluice both know. */
export type FlannelBackend =
  | {
      readonly type: 'vxlan';
      readonly vni: number;
      readonly port: number;
      /** Nodes of one segment reach each other by plain routes. */
      readonly directRouting: boolean;
      /** Of the node's own network, where it is not the device's; 0: the device's. */
      readonly mtu: number;
    }
  | { readonly type: 'host-gw' }
  | {
      /** IPv4 alone. */
      readonly type: 'ipip';
      readonly directRouting: boolean;
    }
  | FlannelWireguardBackend;

/** What flannel's `net-conf.json` says; not how subnets are cut for nodes, see `parseSubnetCuts`. */
export interface NetConf {
  /** Of the enabled families. */
  readonly networks: Readonly<Partial<Record<Family, Cidr>>>;
  readonly backend: FlannelBackend;
}

/** A `net-conf.json` that can be followed, or everything that is wrong with it. */
export type NetConfReading =
  { readonly kind: 'read'; readonly netConf: NetConf } | { readonly kind: 'bad'; readonly problems: readonly string[] };

/** flannel's defaults: VNI 1, and the port that Linux gives VXLAN when none is asked for. */
const DEFAULTS = { vni: 1, port: 8472 } as const;
/** VXLAN's identifiers have 24 bits (RFC 7348 §5). */
const MAX_VNI = 0xffffff;

const NAMES: Readonly<Record<Family, Readonly<Record<'enable' | 'network', string>>>> = {
  4: { enable: 'EnableIPv4', network: 'Network' },
  6: { enable: 'EnableIPv6', network: 'IPv6Network' },
};

/** Reads flannel's `net-conf.json`. Everything that is wrong is said, with the field. */
export function parseNetConf(text: string): NetConfReading {
  const fields = parseFields(text);
  if (fields === undefined) return { kind: 'bad', problems: ['it is not a JSON object'] };
  const problems: string[] = [];
  const reader = new FieldReader(fields, '', problems);
  const networks: Partial<Record<Family, Cidr>> = {};
  for (const family of FAMILIES) {
    if (!reader.flag(NAMES[family].enable, family === 4)) continue;
    const network = reader.cidr(NAMES[family].network, family);
    if (network !== undefined) networks[family] = network;
  }
  if (Object.keys(networks).length === 0 && problems.length === 0)
    problems.push('EnableIPv4 and EnableIPv6 are both false: pods would have no address');
  const backend = readBackend(fields.get('backend'), networks, problems);
  if (backend?.type === 'ipip' && networks[6] !== undefined)
    problems.push('EnableIPv6 is true: IPIP carries IPv4 alone, and so does flannel with it');
  if (problems.length > 0 || backend === undefined) return { kind: 'bad', problems };
  return { kind: 'read', netConf: { networks, backend } };
}

function readBackend(value: unknown, networks: NetConf['networks'], problems: string[]): FlannelBackend | undefined {
  const fields = value === undefined || value === null ? new Map<string, unknown>([['type', 'udp']]) : fieldsOf(value);
  if (fields === undefined) {
    problems.push('Backend must be an object such as {"Type": "vxlan"}');
    return undefined;
  }
  const type = fields.get('type');
  const reader = new FieldReader(fields, 'Backend.', problems);
  switch (type) {
    case 'vxlan':
      if (reader.flag('GBP', false)) problems.push('Backend.GBP is true: group policies of VXLAN are not spoken');
      return {
        type,
        vni: reader.whole('VNI', [1, MAX_VNI], DEFAULTS.vni),
        port: reader.whole('Port', [0, 65_535], 0) || DEFAULTS.port,
        directRouting: reader.flag('DirectRouting', false),
        mtu: reader.whole('MTU', [0, 65_535], 0),
      };
    case 'host-gw':
      return { type };
    case 'ipip':
      return { type, directRouting: reader.flag('DirectRouting', false) };
    case 'wireguard':
      return readWireguard(reader, networks, problems);
    default:
      problems.push(`Backend.Type is ${JSON.stringify(type)}: ${insteadOf(type)}`);
      return undefined;
  }
}

/** What to do about a backend that Sluice does not speak. */
function insteadOf(type: unknown): string {
  const spoken = "of flannel's backends, vxlan, host-gw, ipip and wireguard are spoken";
  switch (type) {
    case 'udp':
      return `${spoken}; a network without a Backend has this one. Change flannel's nodes to {"Type": "vxlan"}`;
    case 'ipsec':
      return `${spoken}. Change flannel's nodes to {"Type": "wireguard"}; Sluice encrypts by WireGuard, not by IPsec`;
    case 'alloc':
      return `${spoken}; with this one somebody else carries the packets. Use Sluice without net-conf.json, calico_backend: none`;
    case 'extension':
      return `${spoken}, no commands of an administrator. Change flannel's nodes to {"Type": "vxlan"}`;
    default:
      return spoken;
  }
}
