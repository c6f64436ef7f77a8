import { cidrContains, equalIp, parseCidr } from '../../base/ip/index.ts';
import type { Family, Ip } from '../../base/ip/index.ts';
import { matchesLabels } from '../kube/labels.ts';
import { primaryAddress } from './blocks.ts';
import type { ClusterState, FailsafePort, HostEndpointInfo, NodeEndpoint } from './cluster.ts';
import { compileRule, ruleMatches } from './compile.ts';
import type { CompiledRule, PolicyCompiler, TierPlan } from './compile.ts';
import type { PeerCompiler } from './compile-peers.ts';
import type { DirectionVerdict, Entry } from './flow.ts';
import { judgeTiers } from './judge-tiers.ts';
import type { JudgedFlow } from './match.ts';
import type { Direction, Policy } from './model.ts';

/** Judges what starts, ends or is forwarded at nodes that have host endpoints. */
export class HostJudge {
  readonly #state: ClusterState;
  readonly #compiler: PolicyCompiler;
  readonly #peers: PeerCompiler;
  readonly #plans: Readonly<Record<Direction, Map<HostEndpointInfo, HostPlan>>> = {
    ingress: new Map(),
    egress: new Map(),
  };

  constructor(state: ClusterState, compiler: PolicyCompiler, peers: PeerCompiler) {
    this.#state = state;
    this.#compiler = compiler;
    this.#peers = peers;
  }

  /**
   * What the node's host endpoint says of a flow that ends or starts at the node itself: open ports of the settings, then
   * policies before connection tracking, before translation and the rest, then profiles; denied when none decides.
   * Undefined when the node has no host endpoint there.
   */
  judgeLocal(
    node: NodeEndpoint,
    ip: Ip | undefined,
    direction: Direction,
    judged: JudgedFlow,
    entered?: Entered,
  ): DirectionVerdict | undefined {
    const host = this.#endpointOf(node, ip, judged);
    if (host === undefined) return undefined;
    const verdict = this.#judgeLocal(host, direction, judged, entered);
    return { host, ...verdict };
  }

  /**
   * What the policies before connection tracking and before translation say of a connection that enters at an address of
   * the node, as it is then; undefined when none decides.
   */
  judgeEntry({ node, ip }: Entry, judged: JudgedFlow): DirectionVerdict | undefined {
    const host = this.#endpointOf(node, ip, judged);
    if (host === undefined) return undefined;
    const { untracked, preDnat } = this.#plan(host, 'ingress');
    const early =
      this.#failsafe('ingress', judged) === undefined ? judgeEarly([untracked, preDnat], judged) : undefined;
    return early === undefined ? undefined : { ...early, host };
  }

  /**
   * What the node's host endpoint says of a flow that the node forwards for one of its pods; undefined when it has none or
   * nothing there decides, which lets the flow pass.
   */
  judgeForwarded(
    nodeName: string | undefined,
    direction: Direction,
    judged: JudgedFlow,
    entered?: Entered,
  ): DirectionVerdict | undefined {
    const node = nodeName === undefined ? undefined : this.#state.nodes.get(nodeName);
    const host = node === undefined ? undefined : this.#endpointOf(node, undefined, judged);
    if (host === undefined) return undefined;
    const { untracked, preDnat, forwarded } = this.#plan(host, direction);
    // The ports that stay open do so in the early phases for all packets, in the last for the node's own only.
    const asked = entered === undefined && this.#failsafe(direction, judged) === undefined;
    const early = asked ? judgeEarly([untracked, preDnat], judged) : entered?.early;
    const verdict = early ?? judgeTiers(forwarded, judged);
    return verdict.kind === 'unselected' ? undefined : { host, ...verdict };
  }

  #judgeLocal(
    host: HostEndpointInfo,
    direction: Direction,
    judged: JudgedFlow,
    entered: Entered | undefined,
  ): DirectionVerdict {
    if (entered?.early !== undefined) return entered.early;
    const port = this.#failsafe(direction, judged);
    if (port !== undefined) return { kind: 'failsafe', allowed: true, port, passes: [] };
    const plan = this.#plan(host, direction);
    const early = entered === undefined ? judgeEarly([plan.untracked, plan.preDnat], judged) : undefined;
    if (early !== undefined) return early;
    const verdict = judgeTiers(plan.normal, judged);
    if (verdict.kind !== 'unselected') return verdict;
    const { passes } = verdict;
    for (const { profile, rules } of plan.profiles)
      for (const rule of rules)
        if (rule.action !== 'log' && ruleMatches(rule, judged))
          return { kind: 'profile', allowed: rule.action === 'allow', profile, rule: rule.rule, passes };
    return { kind: 'host-default', allowed: false, endpoint: host, passes };
  }

  #failsafe(direction: Direction, judged: JudgedFlow): FailsafePort | undefined {
    const { failsafeInbound, failsafeOutbound } = this.#state.settings;
    const ports = direction === 'ingress' ? failsafeInbound : failsafeOutbound;
    return ports.find((each) => isFailsafe(each, direction, judged));
  }

  /**
   * The host endpoint of the interface that has the address, by default the node's first of the family: one that expects
   * the address, else for the first address one that is taken to be its interface's, else the one for all interfaces. Of
   * several the first by name.
   */
  #endpointOf(node: NodeEndpoint, ip: Ip | undefined, judged: JudgedFlow): HostEndpointInfo | undefined {
    const first = primaryAddress(node, judged.family);
    // What goes through the overlay counts as the node's own address, as in every block.
    const isTunnel = ip !== undefined && node.tunnelAddresses.some((each) => equalIp(each, ip));
    const address = isTunnel ? first : (ip ?? first);
    const isPrimary = address === undefined || (first !== undefined && equalIp(first, address));
    const own = this.#ofNode(node.name);
    return (
      own.find((each) => address !== undefined && expects(each, address)) ??
      (isPrimary ? own.find((each) => isFirst(each, node, judged.family)) : undefined) ??
      own.find((each) => each.interface === '*')
    );
  }

  #ofNode(name: string): HostEndpointInfo[] {
    const own = [...this.#state.hostEndpoints.values()].filter((each) => each.node === name);
    return own.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  #plan(host: HostEndpointInfo, direction: Direction): HostPlan {
    const known = this.#plans[direction].get(host);
    if (known !== undefined) return known;
    const plan = this.#compile(host, direction);
    this.#plans[direction].set(host, plan);
    return plan;
  }

  #compile(host: HostEndpointInfo, direction: Direction): HostPlan {
    const plan = (phase: (subject: NonNullable<Policy['hosts']>) => boolean): readonly TierPlan[] =>
      this.#compiler.plan(direction, ({ hosts, applies }) => {
        if (hosts === undefined || !applies[direction]) return false;
        return matchesLabels(hosts.selector, host.labels) && phase(hosts);
      });
    return {
      // As in Calico, where only an interface by name can go without connection tracking.
      untracked: host.interface === '*' ? [] : plan(({ doNotTrack }) => doNotTrack),
      preDnat: direction === 'ingress' ? plan((each) => each.preDnat && !each.doNotTrack) : [],
      normal: plan((each) => !each.preDnat && !each.doNotTrack),
      forwarded: plan((each) => !each.preDnat && !each.doNotTrack && each.applyOnForward),
      profiles: host.profiles.map((profile) => ({
        profile,
        rules: (this.#state.profiles.get(profile)?.[direction] ?? []).map((rule) =>
          compileRule(rule, direction, this.#peers),
        ),
      })),
    };
  }
}

/** Of a connection that was translated at this very node: what the early policies said of it before, if anything. */
export interface Entered {
  readonly early: DirectionVerdict | undefined;
}

/** What applies to one host endpoint in one direction, phase by phase. */
interface HostPlan {
  readonly untracked: readonly TierPlan[];
  readonly preDnat: readonly TierPlan[];
  readonly normal: readonly TierPlan[];
  readonly forwarded: readonly TierPlan[];
  readonly profiles: readonly { readonly profile: string; readonly rules: readonly CompiledRule[] }[];
}

/** In the phases before the last a tier without a matching rule leaves the flow to the later ones. */
function judgeEarly(phases: readonly (readonly TierPlan[])[], judged: JudgedFlow): DirectionVerdict | undefined {
  for (const tiers of phases) {
    const verdict = judgeTiers(tiers, judged, 'open');
    if (verdict.kind !== 'unselected') return verdict;
  }
  return undefined;
}

function expects({ expectedIps }: HostEndpointInfo, ip: Ip): boolean {
  return expectedIps.some((known) => equalIp(known, ip));
}

/**
 * Whether the endpoint is taken to be the interface of the node's first addresses, about whose family it says nothing: it
 * has a name and expects no address, or it expects the first of the other family.
 */
function isFirst(endpoint: HostEndpointInfo, node: NodeEndpoint, family: Family): boolean {
  const { expectedIps } = endpoint;
  if (endpoint.interface === '*' || expectedIps.some((each) => each.family === family)) return false;
  if (expectedIps.length === 0) return endpoint.interface !== undefined;
  const other = primaryAddress(node, family === 4 ? 6 : 4);
  return other !== undefined && expects(endpoint, other);
}

function isFailsafe({ protocol, port, net }: FailsafePort, direction: Direction, { flow }: JudgedFlow): boolean {
  if (protocol !== flow.protocol || port !== flow.port) return false;
  if (net === undefined) return true;
  const { ip } = direction === 'ingress' ? flow.source : flow.destination;
  const block = parseCidr(net);
  return ip !== undefined && block !== undefined && cidrContains(block, ip);
}
