import { SluiceError } from '../base/errors.ts';
import { parseIp } from '../base/ip/index.ts';
import type { Family } from '../base/ip/index.ts';
import { checkManifest } from '../core/kube/check-manifest.ts';
import { suggest } from '../core/kube/suggest.ts';
import { parseManifests } from '../core/kube/yaml.ts';
import type { LoadIssue, Manifests } from '../core/kube/yaml.ts';
import { lint } from '../core/lint/index.ts';
import type { Finding } from '../core/lint/index.ts';
import {
  PolicyEngine,
  clusterObjects,
  clusterState,
  describePolicy,
  explain,
  formatDescription,
  formatExplanation,
  nearestMisses,
  type ClusterState,
  type FlowProtocol,
  type Language,
  type Party,
  type PolicyIssue,
  type Verdict,
} from '../core/policy/index.ts';
import { diff, reach } from '../core/reach/index.ts';
import type { Reachability, ReachabilityDiff, ReachOptions } from '../core/reach/index.ts';

/** Manifests by file name: the text of YAML documents, or JSON. */
export type Sources = Readonly<Record<string, string>>;

/** One connection to ask about. */
export interface Question {
  /** `namespace/pod`, `node/name`, or an IP address. */
  readonly from: string;
  readonly to: string;
  /** Destination port, the pod's own; not for ICMP. */
  readonly port?: number;
  /** TCP when absent. */
  readonly protocol?: FlowProtocol;
  /** By default the first that both ends have. */
  readonly family?: Family;
}

/** The answer to a question. */
export interface Answer {
  readonly allowed: boolean;
  /** With the tier, policy and rule of each side that decided it. */
  readonly verdict: Verdict;
  /** Why, in words; and of a denial, which rules came nearest and what they lack. */
  explain(language?: Language): string;
}

/**
 * A cluster as manifests describe it: policies of every API, pods, workloads (which stand for their pods), namespaces,
 * nodes, Services. It does not change; load another one to ask what a change would do.
 */
export class Cluster {
  readonly state: ClusterState;
  /** What is wrong with the files: syntax, and fields that the API server would refuse. Objects with issues are left out. */
  readonly issues: readonly LoadIssue[];
  readonly #files: readonly (Manifests & { readonly file: string; readonly text: string })[];
  #engine: PolicyEngine | undefined;

  private constructor(sources: Sources) {
    this.#files = Object.entries(sources).map(([file, text]) => ({ file, text, ...parseManifests(text, file) }));
    const checked = this.#files.flatMap(({ manifests }) =>
      manifests.map((manifest) => ({ manifest, issues: checkManifest(manifest) })),
    );
    this.issues = [...this.#files, ...checked].flatMap(({ issues }) => issues);
    const sound = checked.filter(({ issues }) => issues.length === 0).map(({ manifest }) => manifest);
    const { objects, locate } = clusterObjects(sound);
    this.state = clusterState(objects, locate);
  }

  /** Loads a text, or several by file name. Never throws for what is in them: see `issues` and `policyIssues`. */
  static load(sources: string | Sources): Cluster {
    return new Cluster(typeof sources === 'string' ? { 'manifests.yaml': sources } : sources);
  }

  /** What in the policies is not understood. It fails closed: such a rule allows nothing. */
  get policyIssues(): readonly PolicyIssue[] {
    return this.state.issues;
  }

  /** Judges one connection. Throws `bad-question` when an end is not in the cluster, with what was probably meant. */
  check(question: Question): Answer {
    this.#engine ??= new PolicyEngine(this.state);
    const engine = this.#engine;
    const { protocol = 'TCP', port } = question;
    checkPort(protocol, port);
    const family = question.family ?? this.#familyOf(question);
    const [source, destination] = [question.from, question.to].map((text) => this.#party(engine, text, family));
    const verdict = engine.evaluate({
      source: source!,
      destination: destination!,
      protocol,
      family,
      ...(port === undefined ? {} : { port }),
    });
    return {
      allowed: verdict.allowed,
      verdict,
      explain: (language = 'en') => formatExplanation(explain(verdict, nearestMisses(engine, verdict), language)),
    };
  }

  /** Everything that can talk, symbolically; computed as far as it is asked for. */
  reach(options: ReachOptions = {}): Reachability {
    return reach(this.state, options);
  }

  /** What of what is here could talk in `before` and no more, or the other way round; the texts play no part. */
  changesSince(before: Cluster): ReachabilityDiff {
    return diff(reach(before.state), reach(this.state));
  }

  /**
   * What a policy does, in words, and what it does not do. `key` is its kind, namespace and name: `NetworkPolicy/shop/web`. Throws
   * `bad-question` when there is none.
   */
  describe(key: string, language: Language = 'en'): string {
    const policies = this.state.tiers.flatMap((tier) => tier.policies);
    const policy = policies.find((each) => each.key === key);
    if (policy !== undefined)
      return formatDescription(describePolicy(policy, { language, state: this.state }), language);
    const near = suggest(
      key,
      policies.map((each) => each.key),
    );
    throw wrong(`there is no policy ${key} in the cluster${near === undefined ? '' : `; did you mean ${near}?`}`);
  }

  /** What is wrong with the files, or probably not meant. Names of fields are not checked: that takes the API's schemas. */
  lint(): readonly Finding[] {
    return lint(this.#files);
  }

  #familyOf({ from, to }: Question): Family {
    const [a, b] = [from, to].map((text) => this.#familiesOf(text));
    const shared = a!.find((family) => b!.includes(family));
    if (shared !== undefined) return shared;
    throw wrong(`${from} and ${to} have no address family in common`);
  }

  /** Families of an end, IPv4 first; an end without addresses may yet have both. */
  #familiesOf(text: string): readonly Family[] {
    const ip = parseIp(text);
    if (ip !== undefined) return [ip.family];
    const { addresses } = this.#find(text);
    const families = ([4, 6] as const).filter((family) => addresses.some((address) => address.family === family));
    return families.length === 0 ? [4, 6] : families;
  }

  #party(engine: PolicyEngine, text: string, family: Family): Party {
    const ip = parseIp(text);
    if (ip !== undefined) return engine.address(ip);
    const end = this.#find(text);
    return end.kind === 'pod' ? engine.pod(end, family) : engine.node(end, family);
  }

  #find(text: string) {
    const { nodes, pods } = this.state;
    const end = text.startsWith('node/') ? nodes.get(text.slice('node/'.length)) : pods.get(text);
    if (end !== undefined) return end;
    const near = suggest(text, [...pods.keys(), ...[...nodes.keys()].map((name) => `node/${name}`)]);
    const hint = near === undefined ? 'ends are namespace/pod, node/name or an IP address' : `did you mean ${near}?`;
    const left = this.issues.length === 0 ? '' : ' (objects with mistakes are left out, see issues)';
    throw wrong(`there is no ${text} in the cluster; ${hint}${left}`);
  }
}

function checkPort(protocol: FlowProtocol, port: number | undefined): void {
  const hasPorts = protocol === 'TCP' || protocol === 'UDP' || protocol === 'SCTP';
  if (!hasPorts && port !== undefined) throw wrong(`${protocol} has no ports`);
  if (hasPorts && (port === undefined || !Number.isInteger(port) || port < 1 || port > 65_535))
    throw wrong(`a connection over ${protocol} needs a port from 1 to 65535`);
}

function wrong(message: string): SluiceError<'bad-question'> {
  return new SluiceError('bad-question', message);
}
