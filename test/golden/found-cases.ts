import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseIp } from '../../src/base/ip/index.ts';
import { checkManifest, formatLoadIssue } from '../../src/core/kube/check-manifest.ts';
import { policyKindSchemas } from '../../src/core/kube/schemas/catalogue.ts';
import { parseManifests } from '../../src/core/kube/yaml.ts';
import { clusterObjects, clusterState } from '../../src/core/policy/index.ts';
import type {
  ClusterObjects,
  ClusterState,
  Flow,
  FlowProtocol,
  Party,
  PolicyEngine,
} from '../../src/core/policy/index.ts';

const CASES = join(import.meta.dirname, 'found');

/** A cluster on which readers of the model once disagreed, with each other or with packets. */
export interface FoundCase {
  readonly name: string;
  readonly objects: ClusterObjects;
  readonly state: ClusterState;
  /** What an API server would refuse, or a normaliser did not understand. */
  readonly problems: readonly string[];
  /** Lines `source destination protocol[/port] allow|deny [v6] [sport=N] [icmp=type/code] [entry=node:port]`. */
  readonly verdicts: readonly string[];
}

/**
 * Every case of `found/`: `cluster.yaml` with what was wrong in its first line, as `yamlOf` writes it, and `verdicts.txt`.
 * Addresses of domains stand in comments: `# domain NAME ADDRESS…`.
 */
export function foundCases(): FoundCase[] {
  return readdirSync(CASES).map((name) => {
    const file = `${name}/cluster.yaml`;
    const text = readFileSync(join(CASES, file), 'utf8');
    const { manifests, issues } = parseManifests(text, file);
    const located = clusterObjects(manifests);
    const objects = { ...located.objects, domains: domainsIn(text) };
    const state = clusterState(objects, located.locate);
    const refused = [...issues, ...manifests.flatMap((each) => checkManifest(each, policyKindSchemas))];
    const problems = [...refused.map(formatLoadIssue), ...state.issues.map(({ message }) => message)];
    const verdicts = readFileSync(join(CASES, name, 'verdicts.txt'), 'utf8')
      .split('\n')
      .filter((line) => line !== '');
    return { name, objects, state, problems, verdicts };
  });
}

/** The flow of a line of `verdicts.txt`, and whether it is to be allowed. */
export function parseVerdict(engine: PolicyEngine, line: string): { readonly flow: Flow; readonly allowed: boolean } {
  const [from, to, what, outcome, ...words] = line.split(/\s+/u) as [string, string, string, string, ...string[]];
  const family = [from, to, ...words].some((each) => each === 'v6' || each.includes('::')) ? 6 : 4;
  const [protocol, port] = what.split('/') as [FlowProtocol, string?];
  const named = (key: string) => words.find((word) => word.startsWith(`${key}=`))?.slice(key.length + 1);
  const [sourcePort, icmp] = [named('sport'), named('icmp')?.split('/').map(Number)];
  const entry = named('entry');
  const flow: Flow = {
    ...(entry === undefined ? {} : { entry: entryOf(engine, entry, family) }),
    source: partyOf(engine, from, family),
    destination: partyOf(engine, to, family),
    protocol,
    ...(port === undefined ? {} : { port: Number(port), sourcePort: Number(sourcePort ?? 40_000) }),
    ...(icmp === undefined ? {} : { icmp: { type: icmp[0]!, code: icmp[1]! } }),
  };
  return { flow, allowed: outcome === 'allow' };
}

function entryOf(engine: PolicyEngine, text: string, family: 4 | 6): NonNullable<Flow['entry']> {
  const [name, port] = text.split(':') as [string, string];
  const node = engine.state.nodes.get(name)!;
  return { node, ip: engine.node(node, family).ip!, port: Number(port) };
}

function partyOf(engine: PolicyEngine, text: string, family: 4 | 6): Party {
  const ip = parseIp(text);
  if (ip !== undefined) return engine.address(ip);
  const { pods, nodes } = engine.state;
  return text.startsWith('node/')
    ? engine.node(nodes.get(text.slice('node/'.length))!, family)
    : engine.pod(pods.get(text)!, family);
}

function domainsIn(text: string): Required<ClusterObjects>['domains'] {
  const lines = text.matchAll(/^# domain (\S+) (.*)$/gmu);
  return new Map([...lines].map(([, name, ips]) => [name!, ips!.split(' ').map((each) => parseIp(each)!)]));
}
