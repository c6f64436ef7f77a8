import { formatCidr, formatIp } from '../../base/ip/index.ts';
import type { Cidr, Ip } from '../../base/ip/index.ts';
import { NODES } from '../../host/kube-client/resources.ts';
import type { KubeClient } from '../../host/kube-client/types.ts';
import type { KnownNode } from './routing-objects.ts';

/** The annotations by which a node tells its peers where it is (Calico's names): its address with prefix, its tunnel's. */
export function identityAnnotations(
  addresses: readonly Cidr[],
  tunnels: readonly Ip[],
): Readonly<Record<string, string>> {
  const annotations: Record<string, string> = {};
  for (const address of addresses.toReversed())
    annotations[`projectcalico.org/IPv${address.ip.family}Address`] = formatCidr(address);
  for (const tunnel of tunnels.toReversed())
    annotations[`projectcalico.org/IPv${tunnel.family}VXLANTunnelAddr`] = formatIp(tunnel);
  return annotations;
}

/** Writes the annotations that the Node does not carry yet. */
export async function publishIdentity(
  client: KubeClient,
  name: string,
  known: KnownNode | undefined,
  wanted: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<void> {
  const missing = Object.entries(wanted).filter(([key, value]) => known?.annotations[key] !== value);
  if (missing.length === 0) return;
  const body = { metadata: { annotations: Object.fromEntries(missing) } };
  await client.patch(NODES, { name }, 'merge', body, { fieldManager: 'sluice-agent', signal });
}

/** Says that the node's network works: until then the scheduler keeps pods away from nodes of some clouds. */
export async function publishNetworkReady(
  client: KubeClient,
  name: string,
  now: string,
  signal: AbortSignal,
): Promise<void> {
  const condition = {
    type: 'NetworkUnavailable',
    status: 'False',
    reason: 'SluiceIsUp',
    message: 'Sluice is running on this node',
    lastHeartbeatTime: now,
    lastTransitionTime: now,
  };
  const body = { status: { conditions: [condition] } };
  await client.patch(NODES, { name }, 'strategic', body, {
    subresource: 'status',
    fieldManager: 'sluice-agent',
    signal,
  });
}
