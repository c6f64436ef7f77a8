import { arch, cpus, release, totalmem } from 'node:os';
import type { Node, NodeCondition } from 'kubernetes-types/core/v1.d.ts';
import type { KubeletConfig } from '../config.ts';

/** What a node tells about its readiness. */
export type Readiness = { readonly ready: true } | { readonly ready: false; readonly message: string };

const PODS = '110';
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/** Labels that kubelets put on their nodes, and the lab's: the segment stands for a zone. */
export function nodeLabels({ nodeName, segment }: KubeletConfig): Readonly<Record<string, string>> {
  const architecture = ARCHITECTURES[arch()] ?? arch();
  return {
    'beta.kubernetes.io/arch': architecture,
    'beta.kubernetes.io/os': 'linux',
    'kubernetes.io/arch': architecture,
    'kubernetes.io/hostname': nodeName,
    'kubernetes.io/os': 'linux',
    'topology.kubernetes.io/zone': `segment-${segment}`,
  };
}

/** The status of a node; `previous` keeps transition times. */
export function nodeStatus(
  config: KubeletConfig,
  readiness: Readiness,
  now: string,
  previous: Node | undefined,
): NonNullable<Node['status']> {
  const before = new Map((previous?.status?.conditions ?? []).map((condition) => [condition.type, condition]));
  const condition = (type: string, status: 'True' | 'False', reason: string, message: string): NodeCondition => {
    const old = before.get(type);
    const since = old?.status === status ? old.lastTransitionTime : undefined;
    return { type, status, reason, message, lastHeartbeatTime: now, lastTransitionTime: since ?? now };
  };
  const capacity = {
    cpu: String(cpus().length),
    memory: `${Math.floor(totalmem() / 1024)}Ki`,
    pods: PODS,
    'ephemeral-storage': '100Gi',
  };
  return {
    addresses: [
      ...config.addresses.map((address) => ({ type: 'InternalIP', address })),
      { type: 'Hostname', address: config.nodeName },
    ],
    capacity,
    allocatable: capacity,
    conditions: [
      condition('MemoryPressure', 'False', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'),
      condition('DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'),
      condition('PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'),
      readiness.ready
        ? condition('Ready', 'True', 'KubeletReady', 'kubelet is posting ready status')
        : condition('Ready', 'False', 'KubeletNotReady', readiness.message),
    ],
    daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
    nodeInfo: {
      architecture: ARCHITECTURES[arch()] ?? arch(),
      bootID: config.bootId,
      containerRuntimeVersion: 'sluice://0.1.0',
      kernelVersion: release(),
      kubeProxyVersion: '',
      kubeletVersion: config.version,
      machineID: config.nodeName,
      operatingSystem: 'linux',
      osImage: 'Sluice lab',
      systemUUID: config.nodeName,
    },
  };
}
