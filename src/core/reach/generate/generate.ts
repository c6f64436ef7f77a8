import { intervalSet, rangeOf, subtract as subtractRanges } from '../../../base/ip/index.ts';
import type { Cidr, Family } from '../../../base/ip/index.ts';
import { normalisePolicy, tiersOf } from '../../policy/index.ts';
import type { ClusterState, PolicyObject } from '../../policy/index.ts';
import { equal, intersect, subtract, unionAll } from '../int-set.ts';
import { ALL_PORTS, formatPorts, PORT_PROTOCOLS, portRange } from '../port-set.ts';
import { calicoPolicy } from './calico.ts';
import { Drafting } from './draft.ts';
import { Grants } from './grants.ts';
import { kubernetesPolicy } from './kubernetes.ts';
import type { Generated, GenerateOptions, Wish, WishedEnd } from './model.ts';
import { prove } from './prove.ts';
import { unitsOf } from './units.ts';

/**
 * The fewest policies that allow the wished connections of pods in the namespaces and nothing else, as `reach` then says.
 * They are meant to stand alone: what other policies there are is not looked at.
 */
export function generate(state: ClusterState, wishes: readonly Wish[], options: GenerateOptions): Generated {
  const { api, namespaces, clusterBlocks = [] } = options;
  const governed = new Set(namespaces);
  const { granted, inexpressible } = sortOut(wishes, governed, options);
  const units = unitsOf(state);
  const grants = new Grants(
    units,
    granted.map((wish) => withoutBlocks(wish, clusterBlocks)),
  );
  const drafting = new Drafting(state, units, grants, clusterBlocks);
  const drafts = [...governed].sort().flatMap((namespace) => drafting.draft(namespace));
  const policies = drafts.map(api === 'calico' ? calicoPolicy : kubernetesPolicy);
  const normalised = policies.map((policy) => normalisePolicy(policy as PolicyObject)!.policy);
  const { missing, excess } = prove({ ...state, tiers: tiersOf(normalised) }, units, grants, governed);
  return { policies, inexpressible, widened: grants.widened, missing, excess };
}

/** Parts of wishes that can be granted, and what is wrong with the others. */
function sortOut(wishes: readonly Wish[], governed: ReadonlySet<string>, { api }: GenerateOptions) {
  const granted: Wish[] = [];
  const inexpressible: { text: string; reason: string }[] = [];
  const named = unionAll(PORT_PROTOCOLS.map((protocol) => portRange(protocol)));
  for (const wish of wishes) {
    const isGoverned = [...wish.from.pods, ...wish.to.pods].some((pod) => governed.has(pod.namespace));
    if (!isGoverned) {
      const reason = 'neither end is a pod of the namespaces that policies are generated for';
      inexpressible.push({ text: wish.text, reason });
      continue;
    }
    const ports = api === 'calico' || equal(wish.ports, ALL_PORTS) ? wish.ports : intersect(wish.ports, named);
    if (ports.length > 0) granted.push({ ...wish, ports });
    const rest = subtract(wish.ports, ports);
    if (rest.length === 0) continue;
    const reason = `a Kubernetes NetworkPolicy names only TCP, UDP and SCTP, not ${formatPorts(rest)}; use --api calico`;
    inexpressible.push({ text: wish.text, reason });
  }
  return { granted, inexpressible };
}

/** Blocks of the cluster are not the outside, whoever has addresses in them. */
function withoutBlocks({ from, to, ...wish }: Wish, blocks: readonly Cidr[]): Wish {
  const own = (family: Family) => intervalSet(blocks.filter(({ ip }) => ip.family === family).map(rangeOf));
  const narrow = ({ ranges, ...end }: WishedEnd): WishedEnd => ({
    ...end,
    ranges: { 4: subtractRanges(ranges[4], own(4)), 6: subtractRanges(ranges[6], own(6)) },
  });
  return { ...wish, from: narrow(from), to: narrow(to) };
}
