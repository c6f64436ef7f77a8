import type { Cidr, Family } from '../../base/ip/index.ts';
import { DEFAULT_WIREGUARD, isWireguardKey } from '../wireguard/index.ts';
import type { FieldReader } from './field-reader.ts';

/** Over what flannel's WireGuard carries which packets. */
export type FlannelWireguardMode = 'separate' | 'auto' | 'ipv4' | 'ipv6';

/** flannel's backend `wireguard`. */
export interface FlannelWireguardBackend {
  readonly type: 'wireguard';
  /** UDP, of the device of each family; the first is that of the only one where both families share it. */
  readonly ports: Readonly<Record<Family, number>>;
  /** `separate`: a device for each family, over that family. Else one for both, over the family that is said or chosen. */
  readonly mode: FlannelWireguardMode;
  /** Seconds between packets that keep state in between alive; 0: none. */
  readonly keepaliveSeconds: number;
  /** A secret of all nodes, 32 bytes in base64, if there is one. */
  readonly presharedKey?: string;
  /** Of the node's own network, where it is not the device's; 0: the device's. */
  readonly mtu: number;
}

const MODES: readonly string[] = ['separate', 'auto', 'ipv4', 'ipv6'] satisfies readonly FlannelWireguardMode[];
const PORTS = [1, 65_535] as const;

/** Reads the fields of flannel's backend `wireguard`; what is wrong goes to `problems`. */
export function readWireguard(
  reader: FieldReader,
  networks: Readonly<Partial<Record<Family, Cidr>>>,
  problems: string[],
): FlannelWireguardBackend {
  const mode = reader.text('Mode', 'separate');
  if (!MODES.includes(mode))
    problems.push(`Backend.Mode is ${JSON.stringify(mode)}, must be one of ${MODES.join(', ')}`);
  // Peers say where they are only in the families that the network has.
  for (const family of [4, 6] as const)
    if (mode === `ipv${family}` && networks[family] === undefined)
      problems.push(`Backend.Mode is "${mode}", which needs EnableIPv${family}`);
  const secret = reader.text('PSK', '');
  if (secret !== '' && !isWireguardKey(secret)) problems.push('Backend.PSK must be 32 bytes in base64');
  return {
    type: 'wireguard',
    ports: {
      4: reader.whole('ListenPort', PORTS, DEFAULT_WIREGUARD[4].port),
      6: reader.whole('ListenPortV6', PORTS, DEFAULT_WIREGUARD[6].port),
    },
    mode: mode as FlannelWireguardMode,
    keepaliveSeconds: reader.whole('PersistentKeepaliveInterval', [0, 65_535], 0),
    ...(secret === '' ? {} : { presharedKey: secret }),
    mtu: reader.whole('MTU', [0, 65_535], 0),
  };
}
