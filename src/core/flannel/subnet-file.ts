import { formatCidr, networkOf, parseCidr } from '../../base/ip/index.ts';
import type { Cidr } from '../../base/ip/index.ts';

/** What flannel tells its CNI plugin, and itself after a restart. */
export interface SubnetFile {
  /** Of all nodes together, at most one of a family, IPv4 first. */
  readonly networks: readonly Cidr[];
  /** Of this node. */
  readonly subnets: readonly Cidr[];
  /** Of pods' interfaces. */
  readonly mtu: number;
  readonly masquerade: boolean;
}

const NAMES = {
  4: { network: 'FLANNEL_NETWORK', subnet: 'FLANNEL_SUBNET' },
  6: { network: 'FLANNEL_IPV6_NETWORK', subnet: 'FLANNEL_IPV6_SUBNET' },
} as const;

/** The node's subnets that `/run/flannel/subnet.env` tells of, IPv4 first; what is missing or no CIDR is left out. */
export function parseSubnetFile(text: string): readonly Cidr[] {
  const values = new Map(
    text.split('\n').map((line) => {
      const at = line.indexOf('=');
      return [line.slice(0, at).trim(), line.slice(at + 1).trim()] as const;
    }),
  );
  return ([4, 6] as const)
    .map((family) => parseCidr(values.get(NAMES[family].subnet) ?? ''))
    .flatMap((cidr) => (cidr === undefined ? [] : [networkOf(cidr)]));
}

/** `/run/flannel/subnet.env`, its lines in flannel's order. The subnet's address is the one after its first: the bridge's. */
export function renderSubnetFile({ networks, subnets, mtu, masquerade }: SubnetFile): string {
  const lines = subnets.flatMap(({ ip, prefix }) => {
    const { network, subnet } = NAMES[ip.family];
    const whole = networks.find((each) => each.ip.family === ip.family);
    const bridge = { ip: { ...ip, value: ip.value + 1n }, prefix };
    return [...(whole === undefined ? [] : [`${network}=${formatCidr(whole)}`]), `${subnet}=${formatCidr(bridge)}`];
  });
  return `${[...lines, `FLANNEL_MTU=${mtu}`, `FLANNEL_IPMASQ=${masquerade}`].join('\n')}\n`;
}
