import type { ServicePortInfo } from '../../policy/index.ts';
import { destinationsOf } from '../destinations.ts';
import type { LintCluster, ServiceEntry, Workload } from '../lint-cluster.ts';
import type { LintRule } from '../model.ts';
import { everyRule, portsOf } from '../policy-parts.ts';

/**
 * Policies see the pod's port, never the Service's. Silent when a pod of the rule declares the port, or no Service in the
 * files leads from that port to another one of these pods.
 */
export const servicePort: LintRule = {
  id: 'service-port',
  severity: 'warning',
  summary: 'the port of a Service where the port of its pods is meant',
  *check(cluster) {
    if (cluster.services.length === 0) return;
    for (const each of everyRule(cluster)) {
      const numbers = portsOf(each.rule).filter((port) => port.kind === 'range' && port.first === port.last);
      if (numbers.length === 0 || each.rule.action !== 'allow') continue;
      const pods = destinationsOf(cluster, each);
      if (pods === undefined || pods.length === 0) continue;
      for (const port of numbers) {
        if (port.kind !== 'range' || declares(pods, port.protocol, port.first)) continue;
        const found = translation(cluster, pods, port.protocol, port.first);
        if (found === undefined) continue;
        const { service, target } = found;
        yield {
          manifest: each.entry.manifest,
          path: `${port.source.path}.port`,
          message: (m) => m.servicePort(port.first, service.service.key, target),
          suggestion: target,
        };
      }
    }
  },
};

function declares(pods: readonly Workload[], protocol: string, number: number): boolean {
  return pods.some(({ declared }) => declared.some((each) => each.port === number && each.protocol === protocol));
}

/** The Service that translates the port into another one for these pods; undefined when one keeps it. */
function translation(
  cluster: LintCluster,
  pods: readonly Workload[],
  protocol: string,
  number: number,
): { readonly service: ServiceEntry; readonly target: string } | undefined {
  let found: { service: ServiceEntry; target: string } | undefined;
  for (const service of cluster.services) {
    const backends = service.backends?.filter((each) => pods.includes(each)) ?? [];
    if (backends.length === 0) continue;
    const ports = service.service.ports.filter((each) => each.protocol === protocol);
    if (ports.some((each) => each.targetPort === number)) return undefined;
    const port = ports.find((each) => each.port === number);
    const target = port === undefined ? undefined : targetOf(port, backends);
    if (target === number) return undefined;
    if (target !== undefined) found ??= { service, target: String(target) };
  }
  return found;
}

function targetOf({ targetPort, protocol }: ServicePortInfo, backends: readonly Workload[]): number | undefined {
  if (typeof targetPort === 'number') return targetPort;
  const ports = backends.flatMap(({ pod }) => pod.ports);
  return ports.find((each) => each.name === targetPort && each.protocol === protocol)?.port;
}
