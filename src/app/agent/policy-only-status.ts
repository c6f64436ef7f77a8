import { formatIp } from '../../base/ip/index.ts';
import type { DiscoveredPods } from './discovered-pods.ts';
import type { NetworkStatus } from './network-driver.ts';
import { agentStatus } from './status.ts';
import type { AgentStatus, StatusSources } from './status.ts';

type Sources = Pick<
  StatusSources,
  'options' | 'readiness' | 'startedAt' | 'now' | 'feed' | 'domains' | 'filter' | 'connections'
> & {
  readonly records: StatusSources['attachments']['records'];
  readonly discovered: Pick<DiscoveredPods, 'found' | 'problems'>;
  readonly prefixes: readonly string[];
  readonly bridgeProblem: string | undefined;
};

/** Somebody else's. */
const NO_NETWORK: NetworkStatus = {
  routes: 0,
  neighbours: 0,
  tunnels: 0,
  podMtu: 0,
  resyncs: 0,
  drifts: 0,
  problems: [],
};

/** The status document of a node on which Sluice programs policy alone. */
export function policyOnlyStatus({ records, discovered, prefixes, bridgeProblem, ...sources }: Sources): AgentStatus {
  const status = agentStatus({
    ...sources,
    attachments: { records, owedReleases: 0 },
    network: NO_NETWORK,
    checksumOffload: [],
    wireguard: undefined,
    carried: undefined,
    blocks: [],
    tunnels: {},
  });
  const found = [...discovered.found].map(([pod, { name, addresses }]) => ({
    pod,
    interface: name,
    addresses: addresses.map(formatIp),
  }));
  return {
    ...status,
    backend: 'policy-only',
    endpoints: [...status.endpoints, ...found],
    policyOnly: {
      interfacePrefixes: prefixes,
      unenforced: Object.fromEntries(discovered.problems),
      ...(bridgeProblem === undefined ? {} : { bridgeProblem }),
    },
  };
}
