import { describe, expect, it } from 'vitest';
import { checkManifest, formatLoadIssue } from '../check-manifest.ts';
import { formatFieldError } from '../field-error.ts';
import { policyKindSchemas } from '../schemas/catalogue.ts';
import { parseManifests } from '../yaml.ts';
import { validateObject } from './validate-object.ts';

function errors(kind: string, spec: object, name = 'default'): string[] {
  return validateObject({ apiVersion: 'projectcalico.org/v3', kind, metadata: { name }, spec }).map(formatFieldError);
}

const FULL_PEER = {
  nodeSelector: 'rack == "1"',
  peerIP: '[fd00::1]:1790',
  asNumber: '1.10',
  localASNumber: 65_001,
  password: { secretKeyRef: { name: 'bgp', key: 'tor' } },
  maxRestartTime: '2m30s',
  ttlSecurity: 1,
  reachableBy: 'fd00::2',
  filters: ['f'],
};

describe('a BGPPeer', () => {
  it('may have every field', () => expect(errors('BGPPeer', FULL_PEER)).toEqual([]));

  it.each<[string, object, RegExp]>([
    ['no peer', { peerIP: undefined }, /peerIP: Required value: must be set, or peerSelector/],
    ['both kinds of peer', { peerSelector: 'all()' }, /peerSelector: Forbidden: may not be set when peerIP is/],
    ['both kinds of node', { node: 'n1' }, /nodeSelector: Forbidden: may not be set when node is/],
    ['a selector that cannot be read', { nodeSelector: 'rack =' }, /nodeSelector.*column/],
    ['a port without brackets', { peerIP: 'fd00::1:99999' }, /peerIP: Invalid value/],
    ['AS number 0.0', { asNumber: '0.0' }, /asNumber: Invalid value: "0.0": must be an AS number/],
    ['a restart time that cannot be told', { maxRestartTime: '2h' }, /maxRestartTime.*at most 4095s/],
    ['half a reference to a password', { password: { secretKeyRef: { name: 'bgp' } } }, /secretKeyRef\.key: Required/],
    ['a gateway of the other family', { reachableBy: '10.0.0.1' }, /reachableBy.*same family as peerIP/],
  ])('must not have %s', (_, fields, message) => {
    expect(errors('BGPPeer', { ...FULL_PEER, ...fields }).join('\n')).toMatch(message);
  });
});

describe('a BGPFilter', () => {
  const rule = (fields: object): string =>
    errors('BGPFilter', { exportV4: [{ action: 'Accept', ...fields }] }).join('\n');

  it.each<[string, object, RegExp]>([
    ['cidr without matchOperator', { cidr: '10.0.0.0/8' }, /matchOperator: Required/],
    ['matchOperator without cidr', { matchOperator: 'In' }, /cidr: Required/],
    ['a cidr of the other family', { cidr: 'fd00::/8', matchOperator: 'In' }, /cidr.*must be a block of IPv4/],
    ['a pattern that is a command', { interface: 'eth0"; }' }, /interface: Invalid value/],
    [
      'operations of a rejection',
      { action: 'Reject', operations: [{ setPriority: { value: 5 } }] },
      /operations: Forbidden/,
    ],
    [
      'two operations in one',
      { operations: [{ setPriority: { value: 5 }, addCommunity: { value: '1:2' } }] },
      /must be one of/,
    ],
    ['a community that is too large', { communities: { values: ['65536:1'] } }, /values\[0\].*16 bits/],
  ])('must not have %s', (_, fields, message) => expect(rule(fields)).toMatch(message));
});

describe('a BGPConfiguration', () => {
  it('names communities for its prefixes', () => {
    const communities = [{ name: 'gold', value: '64512:1:2' }];
    const prefix = (community: string): object => ({ cidr: '10.244.0.0/16', communities: [community] });
    const spec = (community: string): object => ({ communities, prefixAdvertisements: [prefix(community)] });
    expect(errors('BGPConfiguration', spec('gold'))).toEqual([]);
    expect(errors('BGPConfiguration', spec('silver')).join()).toMatch(/communities\[0\].*or the name of one/);
  });

  it('of one node says nothing about the mesh', () => {
    expect(errors('BGPConfiguration', { nodeToNodeMeshEnabled: false, listenPort: 1790 }, 'node.n1')).toEqual([
      'spec.nodeToNodeMeshEnabled: Forbidden: may only be set in the configuration named default',
    ]);
  });
});

it('says where in a file the mistake is, and what was probably meant', () => {
  const text = `apiVersion: projectcalico.org/v3
kind: BGPPeer
metadata: { name: tor }
spec:
  peerIp: 10.0.0.1
  asNumber: 4294967296
`;
  const [manifest] = parseManifests(text, 'peer.yaml').manifests;
  expect(checkManifest(manifest!, policyKindSchemas).map(formatLoadIssue)).toEqual([
    'peer.yaml:4:1: spec.peerIP: Required value: must be set, or peerSelector',
    'peer.yaml:5:3: unknown field "spec.peerIp"; did you mean "spec.peerIP"?',
    'peer.yaml:6:3: spec.asNumber: Invalid value: 4294967296: must be an AS number from 1 to 4294967295, or in dotted form "1.10"',
  ]);
});
