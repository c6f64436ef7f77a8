import { formatIp } from '../../src/base/ip/index.ts';
import type { Family } from '../../src/base/ip/index.ts';
import { PolicyEngine } from '../../src/core/policy/index.ts';
import type { ClusterState, Flow, Party, Verdict } from '../../src/core/policy/index.ts';
import { includesTraffic, reach } from '../../src/core/reach/index.ts';
import type { Endpoint, Reachability } from '../../src/core/reach/index.ts';
import { flowArrives, rulesetsOf } from './compiled-state.ts';
import { EPHEMERAL } from './telling-flows.ts';

/** What each reader of the one model says of one flow; undefined where it has nothing to say. */
export interface Answers {
  readonly evaluate: boolean;
  /** Knows no source ports. */
  readonly reach: boolean | undefined;
  /** Nothing that a node sends to itself passes its filter. */
  readonly program: boolean | undefined;
}

/** The three pure readers of one state: `evaluate`, `reach`, and the packet filters of all its nodes, interpreted. */
export class PureReaders {
  readonly engine: PolicyEngine;
  readonly #reachability: Reachability;
  readonly #rulesets: ReturnType<typeof rulesetsOf>;

  constructor(state: ClusterState) {
    this.engine = new PolicyEngine(state);
    this.#reachability = reach(state);
    this.#rulesets = rulesetsOf(state);
  }

  /** Both ends of the flow have addresses. */
  ask(flow: Flow): Answers & { readonly verdict: Verdict } {
    const verdict = this.engine.evaluate(flow);
    const withinNode =
      flow.source.kind === 'node' && flow.destination.kind === 'node' && flow.source.node === flow.destination.node;
    // The others know of no translation, or would have to be told of the Service.
    const isEntering = flow.entry !== undefined;
    const otherSourcePort = flow.sourcePort !== undefined && flow.sourcePort !== EPHEMERAL;
    return {
      verdict,
      evaluate: verdict.allowed,
      reach: otherSourcePort || isEntering ? undefined : this.#reaches(flow),
      program: withinNode || isEntering ? undefined : flowArrives(this.#rulesets, this.engine.state, flow),
    };
  }

  #reaches({ source, destination, ...traffic }: Flow): boolean | undefined {
    const family: Family = destination.ip!.family;
    const set = this.#reachability.connection(this.#endpoint(source), this.#endpoint(destination)).byFamily[family];
    return set && includesTraffic(set, traffic, family);
  }

  #endpoint(party: Party): Endpoint {
    const endpoint =
      party.kind === 'pod'
        ? this.#reachability.resolve({ kind: 'pod', key: party.pod.key })
        : this.#reachability.resolve({ kind: 'address', ip: party.ip! });
    if (endpoint === undefined) throw new Error(`reach knows nothing of ${nameOf(party)}`);
    return endpoint;
  }
}

/** Whether all that have an answer have the same. */
export function agree({ evaluate, reach: reaches, program }: Answers): boolean {
  return (reaches ?? evaluate) === evaluate && (program ?? evaluate) === evaluate;
}

/** The flow and what was said of it, for people. */
export function describeAnswers(flow: Flow, { evaluate, reach: reaches, program }: Answers): string {
  const { source, destination, protocol, port, sourcePort, icmp } = flow;
  const what = [protocol, port, icmp && `${icmp.type}/${icmp.code}`, sourcePort && `from port ${sourcePort}`];
  const text = what.filter((each) => each !== undefined).join(' ');
  return `${nameOf(source)} > ${nameOf(destination)} ${text}: evaluate ${evaluate}, reach ${reaches}, program ${program}`;
}

function nameOf(party: Party): string {
  const name = party.kind === 'pod' ? party.pod.key : party.kind === 'node' ? `node/${party.node.name}` : 'outside';
  return party.ip === undefined ? name : `${name} ${formatIp(party.ip)}`;
}
