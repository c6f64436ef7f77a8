import type { Lease } from 'kubernetes-types/coordination/v1.d.ts';
import { SluiceError } from '../../base/errors.ts';
import { LEASE_NAMESPACE, announcedPool } from '../../core/announce/index.ts';
import { suggest } from '../../core/kube/suggest.ts';
import type { Service } from '../../core/kube/types.ts';
import { clusterState } from '../../core/policy/cluster-state.ts';
import { PolicyEngine } from '../../core/policy/evaluate.ts';
import { LEASES } from '../../host/kube-client/resources.ts';
import type { KubeClient } from '../../host/kube-client/types.ts';
import { openCluster, readSnapshot } from '../cluster.ts';
import type { ClusterSnapshot } from '../cluster.ts';
import type { Command } from '../command.ts';
import { Judge } from '../judge.ts';
import { KUBECONFIG, NAME, OUTPUT } from '../lab-options.ts';
import { findPlace } from '../place.ts';
import { announcedBy } from '../service/announced-by.ts';
import { describeService } from '../service/describe-service.ts';
import { printService } from '../service/print-service.ts';
import { whoMayReach } from '../service/who-may-reach.ts';

/** `sluice service NAME` */
export const command: Command = {
  meta: {
    description:
      'Shows what a Service of a running cluster comes to: addresses and ports, endpoints with node and state, how connections\n' +
      'are led to them, and which pods may connect under the policies in force.\n' +
      'Exit code 0: it has an endpoint that serves; 1: it has none; 2: there is no such Service.',
    examples: ['sluice service web', 'sluice service shop/api -o json'],
  },
  args: {
    positionals: [{ name: '<name>', description: 'NAME or NAMESPACE/NAME' }],
    options: [
      { flags: '-n, --namespace <name>', description: 'namespace of a name without one', fallback: 'default' },
      OUTPUT,
      NAME,
      KUBECONFIG,
    ],
  },
  run: async (invocation) => {
    const { values, print } = invocation;
    const name = invocation.arguments[0]!;
    const key = name.includes('/') ? name : `${String(values['namespace'])}/${name}`;
    using cluster = await openCluster(invocation);
    const snapshot = await readSnapshot(cluster.client);
    const service = findService(snapshot, key, cluster.title);
    const { namespace, name: own } = service.metadata!;
    const slices = snapshot.endpointSlices.filter(
      ({ metadata }) => metadata?.namespace === namespace && metadata?.labels?.['kubernetes.io/service-name'] === own,
    );
    const announced = await announcedNow(cluster.client, snapshot);
    const description = describeService(service, slices, announced);
    const state = clusterState(snapshot);
    const place = findPlace(`${namespace}/service/${own}`, state, namespace!);
    const reach =
      place.kind === 'service' && description.endpoints.length > 0
        ? whoMayReach(new Judge(new PolicyEngine(state)), place.service, place)
        : [];
    if (values['output'] === 'json') print(JSON.stringify({ ...description, reach }, undefined, 2));
    else for (const line of printService(description, reach)) print(line);
    return description.served ? 0 : 1;
  },
};

/** Leases are read only where a pool is announced on segments. */
async function announcedNow(
  client: KubeClient,
  snapshot: ClusterSnapshot,
): Promise<ReturnType<typeof announcedBy> | undefined> {
  if (snapshot.ipPools.every((pool) => announcedPool(pool) === undefined)) return undefined;
  const { items: leases } = await client.list<Lease>(LEASES, { namespace: LEASE_NAMESPACE });
  return announcedBy({ ...snapshot, leases, now: Date.now() });
}

function findService({ services }: ClusterSnapshot, key: string, title: string): Service {
  const keyOf = ({ metadata }: Service): string => `${metadata?.namespace}/${metadata?.name}`;
  const found = services.find((each) => keyOf(each) === key);
  if (found !== undefined) return found;
  const near = suggest(key, services.map(keyOf));
  const hint = near === undefined ? '' : `; did you mean ${near}?`;
  throw new SluiceError('no-such-service', `there is no Service ${key} in ${title}${hint}`);
}
