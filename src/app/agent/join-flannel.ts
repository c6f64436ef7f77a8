import { AnnotatedFlannel } from './annotated-flannel.ts';
import type { Flannel, FlannelDependencies } from './flannel.ts';
import { FlannelSubnetFile } from './flannel-subnet-file.ts';
import { FlannelWireguard } from './flannel-wireguard.ts';
import { LeasedFlannel } from './leased-flannel.ts';
import type { AgentOptions } from './options.ts';

/** Makes this node part of the network that its options name; undefined: they name none. */
export function joinFlannel(
  { node, flannel: netConf, defaultPools = [] }: AgentOptions,
  dependencies: FlannelDependencies,
): Flannel | undefined {
  if (netConf === undefined) return undefined;
  const { flannel: world = {}, log } = dependencies;
  const masquerade = defaultPools.some(({ natOutgoing }) => natOutgoing);
  const file = new FlannelSubnetFile(world.subnetFile, { netConf, masquerade, log });
  const { backend } = netConf;
  const wireguard =
    backend.type === 'wireguard'
      ? new FlannelWireguard({ ...netConf, backend }, { ...dependencies, key: world.wireguardKey })
      : undefined;
  const parts = { file, wireguard };
  return world.etcd === undefined
    ? new AnnotatedFlannel(node, netConf, parts, dependencies)
    : new LeasedFlannel(node, netConf, parts, { ...dependencies, ...world.etcd });
}
