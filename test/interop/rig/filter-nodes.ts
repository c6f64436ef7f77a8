import { equalIp } from '../../../src/base/ip/index.ts';
import { createCalcEngine } from '../../../src/core/calc/index.ts';
import type { Delta } from '../../../src/core/calc/index.ts';
import { replaceAll } from '../../../src/core/nft/index.ts';
import type { Ruleset } from '../../../src/core/nft/index.ts';
import type { ClusterObjects, ClusterState, PodEndpoint } from '../../../src/core/policy/index.ts';
import { resolveService } from '../../../src/core/policy/index.ts';
import { serviceSpec } from '../../../src/core/service/index.ts';
import { openConntrack } from '../../../src/host/conntrack/kernel.ts';
import { openNftables } from '../../../src/host/nftables/kernel.ts';
import { interfaceOf } from '../../golden/compiled-node.ts';
import { deltasOfState } from '../../golden/compiled-state.ts';
import { returnMark, underlayMac } from './cluster-rig.ts';
import type { ClusterRig } from './cluster-rig.ts';

/**
 * Gives every node of the rig the filter for another cluster, whose pods are at the places of the rig that have their
 * addresses, and has it forget all connections.
 */
export function filterNodes(rig: ClusterRig, objects: ClusterObjects, state: ClusterState): void {
  for (const { kind, name, netns } of rig.places) {
    if (kind !== 'node') continue;
    using filter = openNftables({ netns });
    filter.apply(replaceAll(rulesetOf(rig, objects, state, name)));
    using conntrack = openConntrack({ netns });
    conntrack.delete(conntrack.dump());
  }
}

function rulesetOf(rig: ClusterRig, objects: ClusterObjects, state: ClusterState, node: string): Ruleset {
  const engine = createCalcEngine({ node });
  for (const delta of deltasOfState(state, node)) engine.apply(atPlace(rig, state, delta));
  for (const service of objects.services ?? []) {
    const value = serviceSpec(service);
    engine.apply({ kind: 'service', key: value.key, value });
  }
  for (const delta of backendSlices(state)) engine.apply(delta);
  for (const [key, { addresses: hops }] of state.nodes) {
    if (key === node) continue;
    const value = { macs: [underlayMac(key)], outers: [], hops, mark: returnMark(key) };
    engine.apply({ kind: 'peer', key, value });
  }
  engine.flush();
  return engine.ruleset();
}

/** A pod has the interface of the place with its address. */
function atPlace(rig: ClusterRig, state: ClusterState, delta: Delta): Delta {
  if (delta.kind !== 'local-endpoint' || delta.value === undefined) return delta;
  return { ...delta, value: { ...delta.value, interface: interfaceAt(rig, state.pods.get(delta.value.pod)!) } };
}

function interfaceAt(rig: ClusterRig, pod: PodEndpoint): string {
  const place = rig.places.find(({ addresses }) => addresses.some((each) => equalIp(each, pod.addresses[0]!)));
  if (place === undefined) throw new Error(`the rig has no place for ${pod.key}`);
  return interfaceOf(place.name);
}

/** What Services send to, a slice for each backend of each port. */
function backendSlices(state: ClusterState): Delta[] {
  return [...state.services.values()].flatMap((service) =>
    service.ports.flatMap(({ name = '', port, protocol }) =>
      ([4, 6] as const).flatMap((family) => {
        const resolved = resolveService(state, service, { port, protocol, family });
        if (resolved.kind !== 'backends') return [];
        return resolved.backends.flatMap(({ ip, port: target }, i): Delta[] => {
          if (ip === undefined) return [];
          const key = `${service.key}-${name}-${family}-${i}`;
          const ports = [{ name, protocol, port: target }];
          const endpoints = [{ address: ip, ready: true }];
          return [{ kind: 'slice', key, value: { key, service: service.key, ports, endpoints } }];
        });
      }),
    ),
  );
}
