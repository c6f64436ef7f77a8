import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseIp } from '../../src/base/ip/index.ts';
import type { Family } from '../../src/base/ip/index.ts';
import { checkManifest, formatLoadIssue } from '../../src/core/kube/check-manifest.ts';
import type { Namespace, NetworkPolicy, Node, Pod, Service } from '../../src/core/kube/types.ts';
import { parseManifests } from '../../src/core/kube/yaml.ts';
import type { Manifest } from '../../src/core/kube/yaml.ts';
import {
  PolicyEngine,
  clusterState,
  explain,
  formatExplanation,
  nearestMisses,
  resolveService,
} from '../../src/core/policy/index.ts';
import type { ClusterState, FlowProtocol, Party, PortProtocol, Verdict } from '../../src/core/policy/index.ts';

const CASES = join(import.meta.dirname, 'cases');

// Each case: `cluster.yaml`, and `verdicts.txt` with lines `source destination protocol[/port] allow|deny [reason]`. A party
// is `namespace/pod`, `node/name`, `svc:namespace/name` or an address; v4 and v6 choose the family where both are possible.
for (const name of readdirSync(CASES)) {
  const file = `${name}/cluster.yaml`;
  const { manifests, issues } = parseManifests(readFileSync(join(CASES, file), 'utf8'), file);
  const state = stateOf(manifests);
  const engine = new PolicyEngine(state);

  describe(`golden case ${name}`, () => {
    it('is a cluster that the API server would accept', () => {
      const found = [...issues, ...manifests.flatMap((each) => checkManifest(each))];
      expect(found.map(formatLoadIssue)).toEqual([]);
      expect(state.issues).toEqual([]);
    });

    it.each(linesOf(name))('%s', (line) => {
      const [from, to, what, outcome, ...reasons] = line.split(/\s+/) as [string, string, string, string, ...string[]];
      const family: Family = [from, to, ...reasons].some((each) => each === 'v6' || each.includes('::')) ? 6 : 4;
      const [protocol, portText] = what.split('/') as [FlowProtocol, string?];
      const source = partyOf(engine, from, family);
      const { destination, port } = destinationOf(engine, to, family, protocol, portText);
      const flow = { source, destination, protocol, ...(port === undefined ? {} : { port }) };
      const verdict = engine.evaluate(flow);
      const text = formatExplanation(explain(verdict, nearestMisses(engine, verdict)));
      expect(verdict.allowed, text).toBe(outcome === 'allow');
      const reason = reasons.filter((each) => each !== 'v4' && each !== 'v6').join(' ');
      expect(reasonOf(verdict), text).toBe(reason);
      if (!verdict.allowed) expect(text).toMatch(/closest:|no rule for this direction/);
    });
  });
}

function linesOf(name: string): string[] {
  const lines = readFileSync(join(CASES, name, 'verdicts.txt'), 'utf8').split('\n');
  return lines
    .map((line) => line.trim().replaceAll(/\s+/g, ' '))
    .filter((line) => line !== '' && !line.startsWith('#'));
}

function reasonOf(verdict: Verdict): string {
  if (verdict.exempt !== undefined) return verdict.exempt;
  return (['egress', 'ingress'] as const).filter((direction) => !verdict[direction].allowed).join(' ');
}

function stateOf(manifests: readonly Manifest[]): ClusterState {
  const all = <T>(kind: string): T[] =>
    manifests.filter((each) => each.object['kind'] === kind).map((each) => each.object as T);
  const located = new Map<object, Manifest>(manifests.map((each) => [each.object, each]));
  return clusterState(
    {
      namespaces: all<Namespace>('Namespace'),
      nodes: all<Node>('Node'),
      pods: all<Pod>('Pod'),
      services: all<Service>('Service'),
      networkPolicies: all<NetworkPolicy>('NetworkPolicy'),
    },
    (object) => (path) => located.get(object)?.locate(path),
  );
}

function partyOf(engine: PolicyEngine, text: string, family: Family): Party {
  const ip = parseIp(text);
  if (ip !== undefined) return engine.address(ip);
  const [namespace, name] = text.split('/') as [string, string];
  if (namespace === 'node') return engine.node(engine.state.nodes.get(name)!, family);
  const pod = engine.state.pods.get(text);
  if (pod === undefined) throw new Error(`no pod ${text}`);
  return engine.pod(pod, family);
}

function destinationOf(engine: PolicyEngine, text: string, family: Family, protocol: FlowProtocol, portText?: string) {
  const number = portText === undefined ? undefined : Number(portText);
  if (!text.startsWith('svc:')) return { destination: partyOf(engine, text, family), port: number };
  const service = engine.state.services.get(text.slice(4))!;
  const wanted = { port: number!, protocol: protocol as PortProtocol, family };
  const resolution = resolveService(engine.state, service, wanted, { includeNotReady: true });
  if (resolution.kind !== 'backends') throw new Error(`${text} resolves to ${resolution.kind}`);
  const [backend] = resolution.backends;
  return { destination: engine.pod(backend!.pod!, family), port: backend!.port };
}
