import type { Pod } from 'kubernetes-types/core/v1.d.ts';
import { SluiceError } from '../../../../base/errors.ts';
import type { CniRuntime, NetworkList, RuntimeAttachment } from '../../../../host/cni-runtime/types.ts';
import type { Sandbox } from './sandbox.ts';
import type { NodePod } from './types.ts';

/** Attaches pods to the network by the chain of CNI plugins that the node is configured with. */
export interface PodNetwork {
  /** The chain to use now; undefined while nobody has configured one. */
  current(): NetworkList | undefined;
  readonly runtime: CniRuntime;
}

/** Puts the sandbox on the network; resolves to the pod's addresses, primary first. Throws when no network is ready. */
export async function attach(network: PodNetwork, pod: NodePod, sandbox: Sandbox): Promise<readonly string[]> {
  const list = network.current();
  if (list === undefined)
    throw new SluiceError('network-not-ready', 'network is not ready: no CNI configuration in /etc/cni/net.d');
  const result = await network.runtime.addNetworkList(list, attachmentOf(pod, sandbox));
  const ips = (result['ips'] ?? []) as readonly { readonly address: string }[];
  return ips.map(({ address }) => address.split('/')[0] ?? address);
}

/** Takes the sandbox off the network again. */
export async function detach(network: PodNetwork, pod: NodePod, sandbox: Sandbox): Promise<void> {
  const list = network.current();
  if (list !== undefined) await network.runtime.delNetworkList(list, attachmentOf(pod, sandbox));
}

function attachmentOf(pod: NodePod, sandbox: Sandbox): RuntimeAttachment {
  return {
    containerId: sandbox.id,
    netns: sandbox.netns,
    ifname: 'eth0',
    args: [
      ['IgnoreUnknown', '1'],
      ['K8S_POD_NAMESPACE', pod.namespace],
      ['K8S_POD_NAME', pod.name],
      ['K8S_POD_INFRA_CONTAINER_ID', sandbox.id],
      ['K8S_POD_UID', pod.uid],
    ],
    capabilities: capabilitiesOf(pod.pod),
  };
}

/** Values for plugins' capabilities: host ports, and the bandwidth annotations in bits per second. */
export function capabilitiesOf({ metadata, spec }: Pod): Readonly<Record<string, unknown>> {
  const portMappings = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])].flatMap(({ ports = [] }) =>
    ports.flatMap(({ hostPort, containerPort, protocol = 'TCP', hostIP = '' }) =>
      hostPort ? [{ hostPort, containerPort, protocol: protocol.toLowerCase(), hostIP }] : [],
    ),
  );
  const rate = (direction: string): number | undefined =>
    bits(metadata?.annotations?.[`kubernetes.io/${direction}-bandwidth`]);
  const [ingress, egress] = [rate('ingress'), rate('egress')];
  const bandwidth = {
    ...(ingress === undefined ? {} : { ingressRate: ingress, ingressBurst: BURST }),
    ...(egress === undefined ? {} : { egressRate: egress, egressBurst: BURST }),
  };
  return {
    ...(portMappings.length > 0 ? { portMappings } : {}),
    ...(Object.keys(bandwidth).length > 0 ? { bandwidth } : {}),
  };
}

/** What containerd gives: the largest that the plugin takes. */
const BURST = 2 ** 31 - 1;
const FACTORS: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

function bits(quantity: string | undefined): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(|k|M|G|T|Ki|Mi|Gi|Ti)$/.exec(quantity ?? '');
  return match === null ? undefined : Math.round(Number(match[1]) * (FACTORS[match[2] ?? ''] ?? 1));
}
