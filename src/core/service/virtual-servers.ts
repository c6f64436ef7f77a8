import { equalIp, formatIp } from '../../base/ip/index.ts';
import type { Ip } from '../../base/ip/index.ts';
import type { ServicePortSpec } from './model.ts';
import type { Backend, Frontend } from './translate.ts';

/** One address and port whose connections IPVS spreads, and over what. */
export interface VirtualServer {
  readonly address: Ip;
  readonly protocol: ServicePortSpec['protocol'];
  readonly port: number;
  /** Of the address's family, sorted, without duplicates; at least one. */
  readonly backends: readonly Pick<Backend, 'address' | 'port'>[];
  /** For how many seconds after its last connection a client comes to the same backend; absent: to any. */
  readonly affinitySeconds?: number;
}

/**
 * What of a Service's frontends IPVS can spread: it knows one set of backends for an address and port, whoever asks, and
 * takes everybody. So frontends go there whose clients are all led alike; those that tell clients apart, by where they are
 * (a policy Local) or by their source, are left out, and so are those without backends, or with the node itself among them:
 * nobody would ask policies about the node behind IPVS. NodePorts are servers of `nodeAddresses`, and remain frontends for
 * all other addresses.
 */
export function virtualServersOf(
  frontends: readonly Frontend[],
  nodeAddresses: readonly Ip[],
): readonly VirtualServer[] {
  const pairs = Map.groupBy(frontends, frontKey);
  return [...pairs.values()].flatMap((pair): VirtualServer[] => {
    const [first, second] = pair as [Frontend, Frontend];
    const { address, family, protocol, port, backends, affinitySeconds } = first;
    if (backends.length === 0 || pair.some(({ sources }) => sources !== undefined) || !sameBackends(first, second))
      return [];
    if (backends.some((each) => nodeAddresses.some((own) => equalIp(own, each.address)))) return [];
    const addresses = address === undefined ? nodeAddresses.filter((each) => each.family === family) : [address];
    const common = { protocol, port, backends, ...(affinitySeconds === undefined ? {} : { affinitySeconds }) };
    return addresses.map((each) => ({ address: each, ...common }));
  });
}

/** A name for the server: no two have the same. */
export function serverKey({ address, protocol, port }: Pick<VirtualServer, 'address' | 'protocol' | 'port'>): string {
  return `${protocol} ${formatIp(address)} ${port}`;
}

function frontKey({ address, family, protocol, port }: Frontend): string {
  return `${address === undefined ? family : formatIp(address)} ${protocol} ${port}`;
}

function sameBackends({ backends: a }: Frontend, { backends: b }: Frontend): boolean {
  const key = ({ address, port }: Backend): string => `${formatIp(address)} ${port}`;
  return a === b || (a.length === b.length && a.every((each, i) => key(each) === key(b[i]!)));
}
