import { describe, expect, it } from 'vitest';
import { parseIp } from '../../base/ip/index.ts';
import { clusterState } from './cluster-state.ts';
import type { ClusterObjects } from './cluster-state.ts';
import { PolicyEngine } from './evaluate.ts';
import { explain, formatExplanation } from './explain.ts';
import type { Party, Verdict } from './flow.ts';
import type { PolicyObject } from './normalise/registry.ts';

const V3 = 'projectcalico.org/v3';

const node = (name: string, ip: string) => ({
  metadata: { name },
  status: { addresses: [{ type: 'InternalIP', address: ip }] },
});

const pod = (name: string, nodeName: string, ip: string) => ({
  metadata: { name, namespace: 'default', labels: { app: name } },
  spec: { nodeName, containers: [] },
  status: { phase: 'Running', podIPs: [{ ip }] },
});

const host = (spec: object): PolicyObject => ({
  apiVersion: V3,
  kind: 'HostEndpoint',
  metadata: { name: 'n1', labels: { host: 'n1' } },
  spec: { node: 'n1', interfaceName: '*', ...spec },
});

const policy = (name: string, spec: object): PolicyObject => ({
  apiVersion: V3,
  kind: 'GlobalNetworkPolicy',
  metadata: { name },
  spec: { selector: "host == 'n1'", types: ['Ingress'], ...spec },
});

const allow80 = [{ action: 'Allow', protocol: 'TCP', destination: { ports: [80] } }];

/** What happens from `from` to `to`, by name or address, in the cluster of two nodes and these objects. */
function ask(objects: ClusterObjects, from: string, to: string, port = 80): Verdict {
  const state = clusterState({
    nodes: [node('n1', '172.16.0.1'), node('n2', '172.16.0.2')],
    pods: [pod('a', 'n1', '10.0.1.1'), pod('b', 'n2', '10.0.2.1')],
    hostEndpoints: [host({})],
    ...objects,
  });
  expect(state.issues).toEqual([]);
  const engine = new PolicyEngine(state);
  const party = (text: string): Party => engine.address(parseIp(text)!);
  return engine.evaluate({ source: party(from), destination: party(to), protocol: 'TCP', port });
}

const [POD_A, POD_B, NODE_1, NODE_2, STRANGER] = ['10.0.1.1', '10.0.2.1', '172.16.0.1', '172.16.0.2', '203.0.113.9'];

describe('a host endpoint', () => {
  it('closes its node to all but the failsafe ports when neither policy nor profile says anything', () => {
    expect(ask({}, STRANGER, NODE_1).ingress).toMatchObject({ kind: 'host-default', allowed: false });
    expect(ask({}, NODE_1, STRANGER).egress).toMatchObject({ kind: 'host-default', allowed: false });
    expect(ask({}, STRANGER, NODE_1, 22).ingress).toMatchObject({ kind: 'failsafe', allowed: true });
    expect(ask({}, STRANGER, NODE_2).allowed).toBe(true);
  });

  it('is judged by its policies, and what none decides by its profiles', () => {
    const policies = [policy('web', { ingress: allow80 })];
    expect(ask({ policies }, STRANGER, NODE_1).allowed).toBe(true);
    expect(ask({ policies }, STRANGER, NODE_1, 81).ingress.kind).toBe('default');
    const hostEndpoints = [host({ profiles: ['projectcalico-default-allow'] })];
    expect(ask({ hostEndpoints }, STRANGER, NODE_1, 81).ingress).toMatchObject({ kind: 'profile', allowed: true });
  });

  it('has no say between its node and the pods there', () => {
    expect(ask({}, POD_A, NODE_1).exempt).toBe('own-node');
    expect(ask({}, NODE_1, POD_A).exempt).toBe('own-node');
    expect(ask({}, POD_B, NODE_1).allowed).toBe(false);
  });

  it('is crossed by what its node forwards only where a policy applies to that, and then both must allow', () => {
    const applyOnForward = (ingress: object[]) => [policy('forward', { applyOnForward: true, ingress })];
    expect(ask({}, STRANGER, POD_A).allowed).toBe(true);
    expect(ask({ policies: [policy('web', { ingress: [] })] }, STRANGER, POD_A).allowed).toBe(true);
    expect(ask({ policies: applyOnForward(allow80) }, STRANGER, POD_A).allowed).toBe(true);
    const denied = ask({ policies: applyOnForward([]) }, STRANGER, POD_A);
    expect(denied.ingress).toMatchObject({ kind: 'default', allowed: false, host: { name: 'n1' } });
    expect(ask({ policies: applyOnForward([]) }, STRANGER, POD_B).allowed).toBe(true);
  });

  it('is asked about the node of a pod whose packets leave their pool masqueraded, and says so', () => {
    const pool = (name: string, spec: object): PolicyObject => ({
      apiVersion: 'crd.projectcalico.org/v1',
      kind: 'IPPool',
      metadata: { name },
      spec,
    });
    const ingress = [{ action: 'Allow', source: { nets: ['172.16.0.2/32'] } }];
    const policies = [policy('nodes', { ingress })];
    const ipPools = [pool('all', { cidr: '10.0.0.0/16', natOutgoing: true })];
    const allowed = ask({ policies, ipPools }, POD_B, NODE_1);
    expect(allowed).toMatchObject({ allowed: true, arrivesAs: { kind: 'node', node: { name: 'n2' } } });
    expect(formatExplanation(explain(allowed))).toContain('comes there from node/n2, since default/b leaves');
    expect(ask({ policies }, POD_B, NODE_1)).toMatchObject({ allowed: false });
    const without = [pool('all', { cidr: '10.0.0.0/16' })];
    expect(ask({ policies, ipPools: without }, POD_B, NODE_1).arrivesAs).toBeUndefined();
    const withNodes = [...ipPools, pool('nodes', { cidr: '172.16.0.0/24' })];
    expect(ask({ policies, ipPools: withNodes }, POD_B, NODE_1).arrivesAs).toBeUndefined();
  });

  it('lets policies before translation decide before the others, and denies nothing for want of a match there', () => {
    const early = (action: string) =>
      policy('early', {
        preDNAT: true,
        applyOnForward: true,
        ingress: [{ action, source: { nets: ['203.0.113.0/24'] } }],
      });
    const closed = policy('closed', { ingress: [{ action: 'Deny' }] });
    expect(ask({ policies: [early('Allow'), closed] }, STRANGER, NODE_1).allowed).toBe(true);
    expect(ask({ policies: [early('Deny'), policy('open', { ingress: allow80 })] }, STRANGER, NODE_1).allowed).toBe(
      false,
    );
    expect(ask({ policies: [early('Allow'), closed] }, '198.51.100.1', NODE_1).allowed).toBe(false);
  });

  it('with expected addresses speaks for these, before one for all interfaces', () => {
    const [other, all] = [
      host({ interfaceName: 'eth1', expectedIPs: ['192.168.7.1'] }),
      { ...host({ profiles: ['projectcalico-default-allow'] }), metadata: { name: 'rest' } },
    ];
    const hostEndpoints = [{ ...other, metadata: { name: 'storage' } }, all];
    expect(ask({ hostEndpoints }, STRANGER, NODE_1).ingress).toMatchObject({ kind: 'profile', host: { name: 'rest' } });
  });
});

describe('a pod that reaches its own node', () => {
  const deny = policy('deny', { selector: "app == 'a'", types: ['Egress'], egress: [{ action: 'Deny' }] });

  it('is stopped by policies that do not spare it, and by none of Kubernetes’ own', () => {
    expect(ask({ policies: [deny] }, POD_A, NODE_1).egress).toMatchObject({ kind: 'rule', allowed: false });
    const isolate = {
      metadata: { name: 'p', namespace: 'default' },
      spec: { podSelector: {}, policyTypes: ['Egress'] },
    };
    expect(ask({ networkPolicies: [isolate] }, POD_A, NODE_1)).toMatchObject({ allowed: true, exempt: 'own-node' });
  });

  it('is stopped by the cluster’s settings, which say so', () => {
    const felixConfigurations = [
      {
        apiVersion: V3,
        kind: 'FelixConfiguration',
        metadata: { name: 'default' },
        spec: { defaultEndpointToHostAction: 'Drop' },
      },
    ];
    const verdict = ask({ felixConfigurations }, POD_A, NODE_1);
    expect(formatExplanation(explain(verdict))).toMatch(
      /denied, since the cluster's settings .* keep pods from node\/n1/u,
    );
    expect(ask({ felixConfigurations }, POD_A, NODE_2).allowed).toBe(true);
  });
});
