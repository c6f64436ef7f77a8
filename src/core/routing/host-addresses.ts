import { cidrContains, compareIp, parseCidr } from '../../base/ip/index.ts';
import type { Cidr, Ip } from '../../base/ip/index.ts';
import type { AddressFacts } from './autodetect.ts';

/**
 * Names of devices of pods, of container engines and of pod networks: what they have is alike on every node, a Service's,
 * or the node's end of an overlay, which peers know as such.
 */
const OF_NO_NODE =
  /^(slc.*|cali.*|lxc.*|docker.*|podman.*|cbr.*|cni.*|br-[0-9a-f]{12}|virbr.*|flannel.*|tunl\d.*|kube-ipvs.*|kube-bridge|nodelocaldns|.*\.sluice|.*\.calico|wireguard\.cali|wg-v6\.cali)$/;
/** IPv4's link-local block (RFC 3927); what the kernel takes for global in it is somebody's own on every node. */
const LINK_LOCAL = parseCidr('169.254.0.0/16')!;
/** More are not published: the annotations of one object have 256 KiB between them. */
const MOST = 256;

/**
 * The addresses that packets of this node may carry, on whatever device, in order of their numbers: without those of
 * `pools` and what devices of pods and of their networks have.
 */
export function hostAddresses(facts: Pick<AddressFacts, 'links' | 'addresses'>, pools: readonly Cidr[]): readonly Ip[] {
  const up = new Set(facts.links.filter((link) => link.up && !OF_NO_NODE.test(link.name)).map(({ name }) => name));
  const outside = [...pools, LINK_LOCAL];
  return facts.addresses
    .filter(({ link, address: { ip } }) => up.has(link) && !outside.some((cidr) => cidrContains(cidr, ip)))
    .map(({ address }) => address.ip)
    .toSorted(compareIp)
    .slice(0, MOST);
}
