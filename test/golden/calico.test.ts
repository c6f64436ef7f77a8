import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseIp } from '../../src/base/ip/index.ts';
import type { Family } from '../../src/base/ip/index.ts';
import { checkManifest, formatLoadIssue } from '../../src/core/kube/check-manifest.ts';
import { policyKindSchemas } from '../../src/core/kube/schemas/catalogue.ts';
import { parseManifests } from '../../src/core/kube/yaml.ts';
import { PolicyEngine, clusterObjects, clusterState, explain, formatExplanation } from '../../src/core/policy/index.ts';
import type { Flow, FlowProtocol, Party, Verdict } from '../../src/core/policy/index.ts';
import { flowArrives, rulesetsOf } from './compiled-state.ts';
import { includesTraffic, reach } from '../../src/core/reach/index.ts';
import type { EndpointRef } from '../../src/core/reach/index.ts';

const CASES = join(import.meta.dirname, 'calico');
const cluster = load('cluster.yaml');

// Each case: `policies.yaml` beside the common `cluster.yaml`, and `verdicts.txt` with lines `source destination
// protocol[/port] allow|deny [ingress|egress] [v6] [sport=N] [icmp=type/code] [by=policy]`. A party is `namespace/pod`,
// `node/name`, `svc:namespace/name` (its first pod) or an address. `issues.txt`, if any, lists what is not understood.
for (const name of readdirSync(CASES, { withFileTypes: true }).flatMap((each) =>
  each.isDirectory() ? [each.name] : [],
)) {
  const policies = load(`${name}/policies.yaml`);
  const { objects, locate } = clusterObjects([...cluster.manifests, ...policies.manifests]);
  const state = clusterState(objects, locate);
  const engine = new PolicyEngine(state);
  const reachability = reach(state);
  const rulesets = rulesetsOf(state);

  function reaches(flow: Flow): boolean {
    const [from, to] = [flow.source, flow.destination].map((party) => reachability.resolve(refOf(party))!);
    const family = (flow.destination.ip ?? flow.source.ip)!.family;
    return includesTraffic(reachability.connection(from!, to!).byFamily[family] ?? [], flow, family);
  }

  describe(`golden case calico/${name}`, () => {
    it('has exactly the issues that it should have', () => {
      const expected = linesOf(`${name}/issues.txt`);
      expect(state.issues.map(({ source, message }) => `${source.line} ${source.path}: ${message}`)).toEqual(expected);
      if (expected.length > 0) return;
      const found = policies.manifests.flatMap((each) => checkManifest(each, policyKindSchemas));
      expect([...policies.issues, ...found].map(formatLoadIssue)).toEqual([]);
    });

    it.each(linesOf(`${name}/verdicts.txt`))('%s', (line) => {
      const { flow, allowed, reason, by } = parseLine(engine, line);
      const verdict = engine.evaluate(flow);
      const text = formatExplanation(explain(verdict, []));
      expect(verdict.allowed, text).toBe(allowed);
      expect(reasonOf(verdict), text).toBe(reason);
      if (by !== undefined) expect(deciders(verdict), text).toContain(by);
      // An address that is nobody's on either side never comes to a node.
      if (flow.source.ip !== undefined && flow.destination.ip !== undefined)
        expect(flowArrives(rulesets, state, flow), 'as the compiled filters say').toBe(allowed);
      // `reach` knows no source ports.
      if (flow.sourcePort === undefined) expect(reaches(flow), 'as reach says').toBe(allowed);
    });
  });
}

function load(file: string) {
  return parseManifests(readFileSync(join(CASES, file), 'utf8'), file);
}

function linesOf(file: string): string[] {
  if (!readdirSync(join(CASES, file, '..')).includes(file.split('/').at(-1)!)) return [];
  const lines = readFileSync(join(CASES, file), 'utf8').split('\n');
  return lines
    .map((line) => line.trim().replaceAll(/\s+/g, ' '))
    .filter((line) => line !== '' && !line.startsWith('#'));
}

function parseLine(engine: PolicyEngine, line: string) {
  const [from, to, what, outcome, ...words] = line.split(' ') as [string, string, string, string, ...string[]];
  const family: Family = [from, to, ...words].some((each) => each === 'v6' || each.includes('::')) ? 6 : 4;
  const [protocol, port] = what.split('/') as [FlowProtocol, string?];
  const named = (key: string) => words.find((word) => word.startsWith(`${key}=`))?.slice(key.length + 1);
  const [sourcePort, icmp] = [named('sport'), named('icmp')?.split('/').map(Number)];
  const flow: Flow = {
    source: partyOf(engine, from, family),
    destination: partyOf(engine, to, family),
    protocol,
    ...(port === undefined ? {} : { port: Number(port) }),
    ...(sourcePort === undefined ? {} : { sourcePort: Number(sourcePort) }),
    ...(icmp === undefined ? {} : { icmp: { type: icmp[0]!, code: icmp[1]! } }),
  };
  const reason = words.filter((word) => !/=|^v[46]$/.test(word)).join(' ');
  return { flow, allowed: outcome === 'allow', reason, by: named('by') };
}

function partyOf(engine: PolicyEngine, text: string, family: Family): Party {
  const ip = parseIp(text);
  if (ip !== undefined) return engine.address(ip);
  const [namespace, name] = text.split('/') as [string, string];
  if (namespace === 'node') return engine.node(engine.state.nodes.get(name)!, family);
  const pod = text.startsWith('svc:') ? `${namespace.slice(4)}/${name}` : text;
  return engine.pod(engine.state.pods.get(pod)!, family);
}

function refOf(party: Party): EndpointRef {
  if (party.kind === 'pod') return { kind: 'pod', key: party.pod.key };
  return party.kind === 'node' ? { kind: 'node', name: party.node.name } : { kind: 'address', ip: party.ip };
}

function reasonOf(verdict: Verdict): string {
  if (verdict.exempt !== undefined) return verdict.exempt;
  return (['egress', 'ingress'] as const).filter((direction) => !verdict[direction].allowed).join(' ');
}

function deciders({ egress, ingress }: Verdict): string[] {
  return [egress, ingress].flatMap((side) => {
    if (side.kind === 'rule') return [side.policy.source.name];
    return side.kind === 'profile' ? [side.profile] : [side.kind];
  });
}
