import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseIp } from '../../src/base/ip/index.ts';
import { IPPROTO } from '../../src/core/nft/index.ts';
import { clusterState, PolicyEngine } from '../../src/core/policy/index.ts';
import { arbitraryCluster, OUTSIDE, PORTS } from './arbitrary-cluster.ts';
import { engineOf, packetArrives } from './compiled-node.ts';
import type { Place } from './compiled-node.ts';
import type { OracleCluster } from './oracle.ts';

/** Everywhere that packets come from or go to. */
function placesOf(cluster: OracleCluster): Place[] {
  const pods = cluster.pods.flatMap((pod): Place[] => {
    if (pod.status?.phase === 'Succeeded' || pod.spec?.hostNetwork === true) return [];
    const name = `${pod.metadata?.namespace}/${pod.metadata?.name}`;
    return pod.status!.podIPs!.map((each) => ({ pod: name, node: pod.spec!.nodeName!, ip: parseIp(each.ip!)! }));
  });
  const nodes = cluster.nodes.flatMap((node) =>
    [...node.status!.addresses!.map((each) => each.address), ...Object.values(node.metadata!.annotations!)].map(
      (ip): Place => ({ node: node.metadata!.name!, ip: parseIp(ip)! }),
    ),
  );
  return [...pods, ...nodes, ...OUTSIDE.map((ip): Place => ({ ip: parseIp(ip)! }))];
}

describe('the compiled packet filters, over generated clusters', () => {
  it('let exactly those packets arrive that the policy engine allows', () => {
    fc.assert(
      fc.property(arbitraryCluster, (cluster) => {
        const engine = new PolicyEngine(clusterState(cluster));
        const names = cluster.nodes.map((node) => node.metadata!.name!);
        const rulesets = new Map(names.map((name) => [name, engineOf(cluster, name).ruleset()]));
        for (const from of placesOf(cluster))
          for (const to of placesOf(cluster)) {
            // Between two addresses of the outside there is no node of ours; within one node there is no policy.
            if (from.ip.family !== to.ip.family || (from.pod ?? to.pod) === undefined) continue;
            for (const [protocol, number] of Object.entries({ TCP: 6, UDP: 17, SCTP: 132, ICMP: IPPROTO.ICMP })) {
              const port = PORTS[Number((from.ip.value + 3n * to.ip.value + BigInt(number)) % BigInt(PORTS.length))]!;
              const flow = {
                source:
                  from.pod === undefined
                    ? engine.address(from.ip)
                    : engine.pod(engine.state.pods.get(from.pod)!, from.ip.family),
                destination:
                  to.pod === undefined
                    ? engine.address(to.ip)
                    : engine.pod(engine.state.pods.get(to.pod)!, to.ip.family),
                protocol: protocol as 'TCP' | 'UDP' | 'SCTP' | 'ICMP',
                ...(protocol === 'ICMP' ? {} : { port }),
              };
              const expected = engine.evaluate(flow).allowed;
              if (packetArrives(rulesets, cluster, from, to, number, port) !== expected)
                expect.fail(
                  `${JSON.stringify(from, text)} > ${JSON.stringify(to, text)} ${protocol}/${port}: ${expected}`,
                );
            }
          }
      }),
      { numRuns: 300 },
    );
  });
});

function text(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString(16) : value;
}
