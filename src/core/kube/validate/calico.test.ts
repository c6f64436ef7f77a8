import { describe, expect, it } from 'vitest';
import { checkManifest, formatLoadIssue } from '../check-manifest.ts';
import { formatFieldError } from '../field-error.ts';
import { policyKindSchemas } from '../schemas/catalogue.ts';
import { parseManifests } from '../yaml.ts';
import { validateObject } from './validate-object.ts';

const VERSION = 'projectcalico.org/v3';

function errors(kind: string, spec: object, metadata: object = { name: 'x' }): string[] {
  return validateObject({ apiVersion: VERSION, kind, metadata, spec }).map(formatFieldError);
}

function rule(fields: object, kind = 'GlobalNetworkPolicy', direction = 'ingress'): string[] {
  const metadata = kind === 'NetworkPolicy' ? { name: 'x', namespace: 'n' } : { name: 'x' };
  return errors(kind, { selector: 'all()', [direction]: [{ action: 'Allow', ...fields }] }, metadata);
}

describe('a rule of a Calico policy', () => {
  it.each<[string, object, RegExp | undefined]>([
    [
      'ports with a protocol that has them',
      { protocol: 'TCP', destination: { ports: [80, '1:2', 'http'] } },
      undefined,
    ],
    ['ports by the number of the protocol', { protocol: 132, source: { ports: ['80'] } }, undefined],
    ['ports without protocol', { destination: { ports: [80] } }, /destination\.ports.*needs protocol/],
    ['ports of ICMP', { protocol: 'ICMP', source: { notPorts: [80] } }, /source\.notPorts.*needs protocol/],
    ['port 0', { protocol: 'TCP', destination: { ports: [0] } }, /ports\[0\].*between 1 and 65535/],
    ['a range upside down', { protocol: 'TCP', destination: { ports: ['9:8'] } }, /ports\[0\].*after its end 8/],
    ['a range with a dash', { protocol: 'TCP', destination: { ports: ['80 - 90'] } }, /ports\[0\].*range such as/],
    ['an unknown protocol', { protocol: 'IGMP' }, /protocol: Invalid value: "IGMP"/],
    ['protocol 0', { notProtocol: 0 }, /notProtocol/],
    ['a code with its type', { protocol: 'ICMP', icmp: { type: 3, code: 1 } }, undefined],
    ['a code without type', { protocol: 'ICMP', icmp: { code: 1 } }, /icmp\.code.*needs a type/],
    ['icmp without protocol', { icmp: { type: 8 } }, /icmp.*needs protocol/],
    ['type 255', { protocol: 'ICMP', icmp: { type: 255 } }, /icmp\.type.*between 0 and 254/],
    ['ICMP for IPv6', { protocol: 'ICMP', ipVersion: 6 }, /ipVersion.*must be 4/],
    ['ICMPv6 for IPv4', { notProtocol: 'ICMPv6', ipVersion: 4 }, /ipVersion.*must be 6/],
    ['version 5', { ipVersion: 5 }, /ipVersion.*must be 4 or 6/],
    ['a good block', { source: { nets: ['10.0.0.0/8'] } }, undefined],
    ['a block with host bits', { source: { nets: ['10.1.0.0/8'] } }, /nets\[0\].*the block is 10\.0\.0\.0\/8/],
    ['a block that is none', { source: { notNets: ['10.0.0/8'] } }, /notNets\[0\]/],
    [
      'blocks of both families',
      { source: { nets: ['10.0.0.0/8'] }, destination: { notNets: ['fd00::/8'] } },
      /both IPv4 and IPv6/,
    ],
    ['a block of the other family', { ipVersion: 4, source: { nets: ['fd00::/8'] } }, /ipVersion.*must be 6/],
    ['a broken selector', { source: { selector: 'a == b' } }, /source\.selector.*column 6/],
    ['global() among endpoints', { source: { notSelector: 'global()' } }, /notSelector.*namespaceSelector of a rule/],
    ['global() among namespaces', { source: { namespaceSelector: ' global( ) ' } }, undefined],
    ['global() with others', { source: { namespaceSelector: 'global() || has(a)' } }, /must stand alone/],
    ['a Service', { source: { services: { name: 's', namespace: 'n' } } }, undefined],
    ['a Service of no namespace', { source: { services: { name: 's' } } }, /services\.namespace.*must specify/],
    ['a Service on the wrong side', { destination: { services: { name: 's', namespace: 'n' } } }, /may not stand in/],
    [
      'a Service and blocks',
      { source: { nets: ['10.0.0.0/8'], services: { name: 's', namespace: 'n' } } },
      /nets.*may not stand beside services/,
    ],
    ['HTTP in a denial', { action: 'Deny', http: { methods: ['GET'] } }, /http.*rules that allow/],
    ['an unknown action', { action: 'allow' }, /action: Unsupported value/],
    ['no action', { action: undefined }, /action: Required/],
  ])('%s', (_, fields, expected) => {
    const found = rule(fields);
    if (expected === undefined) expect(found).toEqual([]);
    else expect(found).toEqual([expect.stringMatching(expected)]);
  });

  it("takes a Service of the policy's own namespace", () => {
    expect(rule({ source: { services: { name: 's' } } }, 'NetworkPolicy')).toEqual([]);
  });

  it("refuses the ports beside a destination's Service, not beside a source's", () => {
    const services = { name: 's', namespace: 'n' };
    const ports = { protocol: 'TCP', source: { services, ports: [1] }, destination: { ports: [1] } };
    expect(rule(ports)).toEqual([]);
    const destination = { protocol: 'TCP', destination: { services, ports: [1] } };
    expect(rule(destination, 'GlobalNetworkPolicy', 'egress')).toEqual([expect.stringMatching(/ports: Forbidden/)]);
  });
});

describe("Calico's resources", () => {
  it.each<[string, string, object, RegExp | undefined]>([
    ['preDNAT and all it needs', 'GlobalNetworkPolicy', { preDNAT: true, applyOnForward: true }, undefined],
    ['preDNAT alone', 'GlobalNetworkPolicy', { preDNAT: true }, /applyOnForward.*must be true/],
    ['doNotTrack alone', 'GlobalNetworkPolicy', { doNotTrack: true }, /applyOnForward.*must be true/],
    [
      'preDNAT for egress',
      'GlobalNetworkPolicy',
      { preDNAT: true, applyOnForward: true, types: ['Egress'] },
      /types\[0\]: Forbidden/,
    ],
    [
      'both phases',
      'GlobalNetworkPolicy',
      { preDNAT: true, doNotTrack: true, applyOnForward: true },
      /preDNAT: Forbidden/,
    ],
    ['a type twice', 'GlobalNetworkPolicy', { types: ['Ingress', 'Ingress'] }, /types\[1\]: Duplicate/],
    ['a lower-case type', 'GlobalNetworkPolicy', { types: ['ingress'] }, /types\[0\]: Unsupported/],
    ['an order that is text', 'GlobalNetworkPolicy', { order: '10' }, /order.*must be a number/],
    ['a fractional order', 'GlobalNetworkPolicy', { order: 10.5 }, undefined],
    ['global() for a policy', 'GlobalNetworkPolicy', { namespaceSelector: 'global()' }, /namespaceSelector/],
    ['a deletion', 'StagedGlobalNetworkPolicy', { stagedAction: 'Delete', tier: 'a' }, undefined],
    [
      'a deletion with rules',
      'StagedGlobalNetworkPolicy',
      { stagedAction: 'Delete', ingress: [] },
      /spec\.ingress: Forbidden/,
    ],
    ['an unknown staged action', 'StagedGlobalNetworkPolicy', { stagedAction: 'Drop' }, /stagedAction: Unsupported/],
    ['a tier', 'Tier', { order: 5, defaultAction: 'Pass' }, undefined],
    ['a tier that allows', 'Tier', { defaultAction: 'Allow' }, /defaultAction: Unsupported/],
    ['addresses of a set', 'GlobalNetworkSet', { nets: ['10.0.0.1', '10.1.1.1/8', 'fd00::/8'] }, undefined],
    ['a set of nonsense', 'GlobalNetworkSet', { nets: ['example.com'] }, /nets\[0\]/],
    ['an interface', 'HostEndpoint', { node: 'a', interfaceName: '*' }, undefined],
    ['neither interface nor address', 'HostEndpoint', { node: 'a' }, /interfaceName: Required/],
    ['no node', 'HostEndpoint', { expectedIPs: ['10.0.0.1'] }, /node: Required/],
    ['a block for an address', 'HostEndpoint', { node: 'a', expectedIPs: ['10.0.0.1/32'] }, /expectedIPs\[0\]/],
    [
      'a port of ICMP',
      'HostEndpoint',
      { node: 'a', interfaceName: 'eth0', ports: [{ name: 'x', protocol: 'ICMP', port: 1 }] },
      /ports\[0\]\.protocol.*TCP, UDP or SCTP/,
    ],
    [
      'the settings',
      'FelixConfiguration',
      {
        defaultEndpointToHostAction: 'ACCEPT',
        failsafeInboundHostPorts: [{ port: 22 }, { protocol: 'udp', port: 68, net: '10.0.0.0/8' }],
        bpfEnabled: false,
      },
      undefined,
    ],
    [
      'a failsafe port of nowhere',
      'FelixConfiguration',
      { failsafeOutboundHostPorts: [{ port: 1, net: 'x' }] },
      /\.net/,
    ],
    ['an unknown action', 'FelixConfiguration', { defaultEndpointToHostAction: 'Deny' }, /Action: Unsupported/],
  ])('%s', (_, kind, spec, expected) => {
    const found = errors(kind, spec);
    if (expected === undefined) expect(found).toEqual([]);
    else expect(found).toEqual([expect.stringMatching(expected)]);
  });

  it('keeps the order of the tiers that it knows', () => {
    expect(errors('Tier', { order: 5 }, { name: 'default' })).toEqual([expect.stringMatching(/always has the order/)]);
    expect(errors('Tier', { order: 1_000_000 }, { name: 'default' })).toEqual([]);
    expect(errors('Tier', {}, { name: 'a.b' })).toEqual([expect.stringMatching(/metadata\.name/)]);
  });

  it('checks what is stored as what is served', () => {
    const object = {
      apiVersion: 'crd.projectcalico.org/v1',
      kind: 'Tier',
      metadata: { name: 'a' },
      spec: { order: 'x' },
    };
    expect(validateObject(object)).toHaveLength(1);
  });
});

describe('checkManifest with the schemas of the policy kinds', () => {
  it.each<[string, string, string]>([
    [
      'a misspelt field of a rule',
      `apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata: { name: a, namespace: b }
spec:
  ingress:
    - action: Allow
      source:
        selectr: all()
`,
      'x:8:9: unknown field "spec.ingress[0].source.selectr"; did you mean "spec.ingress[0].source.selector"?',
    ],
    [
      "a field of a rule in the policy's place",
      `apiVersion: crd.projectcalico.org/v1
kind: GlobalNetworkPolicy
metadata: { name: a }
spec:
  ingress:
    - { action: Allow, types: [Ingress] }
`,
      'x:6:24: unknown field "spec.ingress[0].types"; did you mean "spec.types"?',
    ],
    [
      "Kubernetes' field in a Calico policy",
      `apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: { name: a }
spec: { policyTypes: [Ingress] }
`,
      'x:4:9: unknown field "spec.policyTypes"',
    ],
    [
      'a misspelt field of a ClusterNetworkPolicy',
      `apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata: { name: a }
spec:
  tier: Admin
  priority: 1
  subject: { namespaces: {} }
  ingress: [{ action: Deny, form: [{ namespaces: {} }] }]
`,
      'x:8:29: unknown field "spec.ingress[0].form"; did you mean "spec.ingress[0].from"?',
    ],
    [
      'a version that there is not',
      'apiVersion: projectcalico.org/v1\nkind: NetworkPolicy\nmetadata: { name: a }\n',
      'x:1:1: no kind NetworkPolicy in apiVersion projectcalico.org/v1; did you mean projectcalico.org/v3?',
    ],
    [
      'a kind of Calico in a group of Kubernetes',
      'apiVersion: networking.k8s.io/v1\nkind: GlobalNetworkPolicy\nmetadata: { name: a }\n',
      'x:1:1: no kind GlobalNetworkPolicy in apiVersion networking.k8s.io/v1; did you mean projectcalico.org/v3?',
    ],
  ])('%s', (_, yaml, expected) => {
    const { manifests } = parseManifests(yaml, 'x');
    const found = manifests.flatMap((each) => checkManifest(each, policyKindSchemas));
    expect(found.map(formatLoadIssue)).toEqual([expect.stringContaining(expected)]);
  });

  it("leaves Calico's other kinds alone", () => {
    const yaml =
      'apiVersion: crd.projectcalico.org/v1\nkind: IPPool\nmetadata: { name: a }\nspec: { cidr: 10.0.0.0/8 }\n';
    const { manifests } = parseManifests(yaml, 'x');
    expect(manifests.flatMap((each) => checkManifest(each, policyKindSchemas))).toEqual([]);
  });
});
