import { expect, it } from 'vitest';
import { mergePatch } from '../objectstore/patch/merge-patch.ts';
import { calicoNodePatch, withCalicoNode, withoutCalicoFields } from './index.ts';

/** As calico/node writes it with datastore etcdv3, with every field. */
const NODE = {
  kind: 'Node',
  apiVersion: 'projectcalico.org/v3',
  metadata: { name: 'n1', uid: 'u', labels: { 'kubernetes.io/hostname': 'n1' } },
  spec: {
    addresses: [{ address: '172.30.1.11/24', type: 'CalicoNodeIP' }],
    bgp: {
      asNumber: 64513,
      ipv4Address: '172.30.1.11/24',
      ipv6Address: 'fd00:30:1::11/64',
      ipv4IPIPTunnelAddr: '10.244.7.1',
      routeReflectorClusterID: '244.0.0.1',
    },
    ipv4VXLANTunnelAddr: '10.244.7.0',
    vxlanTunnelMACAddr: '66:d5:2c:9c:2f:01',
    ipv6VXLANTunnelAddr: 'fd00:244::1',
    vxlanTunnelMACAddrV6: '66:d5:2c:9c:2f:02',
    wireguard: { interfaceIPv4Address: '10.244.7.2', interfaceIPv6Address: 'fd00:244::2' },
    orchRefs: [{ nodeName: 'n1', orchestrator: 'k8s' }],
  },
  status: { wireguardPublicKey: 'key', wireguardPublicKeyV6: 'key6', podCIDRs: ['10.244.0.0/24'] },
};

const ANNOTATIONS = {
  'projectcalico.org/IPv4Address': '172.30.1.11/24',
  'projectcalico.org/IPv6Address': 'fd00:30:1::11/64',
  'projectcalico.org/IPv4IPIPTunnelAddr': '10.244.7.1',
  'projectcalico.org/IPv4VXLANTunnelAddr': '10.244.7.0',
  'projectcalico.org/VXLANTunnelMACAddr': '66:d5:2c:9c:2f:01',
  'projectcalico.org/IPv6VXLANTunnelAddr': 'fd00:244::1',
  'projectcalico.org/VXLANTunnelMACAddrV6': '66:d5:2c:9c:2f:02',
  'projectcalico.org/IPv4WireguardInterfaceAddr': '10.244.7.2',
  'projectcalico.org/IPv6WireguardInterfaceAddr': 'fd00:244::2',
  'projectcalico.org/WireguardPublicKey': 'key',
  'projectcalico.org/WireguardPublicKeyV6': 'key6',
};
const BGP = {
  'projectcalico.org/ASNumber': '64513',
  'projectcalico.org/RouteReflectorClusterID': '244.0.0.1',
};

it('says what annotations say, and takes nothing of an agent from elsewhere', () => {
  const stale = { 'projectcalico.org/IPv4Address': '10.0.0.1/8', 'sluice.dev/underlay-macs': 'm' };
  expect(withCalicoNode(stale, NODE)).toEqual({ ...ANNOTATIONS, ...BGP, 'sluice.dev/underlay-macs': 'm' });
  expect(withCalicoNode(stale, {})).toEqual({ 'sluice.dev/underlay-macs': 'm' });
  // What people set counts in either place.
  expect(withCalicoNode({ 'projectcalico.org/ASNumber': '1' }, {})).toEqual({ 'projectcalico.org/ASNumber': '1' });
  expect(withoutCalicoFields({ ...ANNOTATIONS, ...BGP })).toEqual(BGP);
});

it('is written field by field, so that what others have written stays', () => {
  const facts = { labels: { 'kubernetes.io/hostname': 'n1' }, podCidrs: ['10.244.0.0/24'] };
  const patch = calicoNodePatch('n1', ANNOTATIONS, facts);
  const both = [NODE.spec.addresses[0], { address: 'fd00:30:1::11/64', type: 'CalicoNodeIP' }];
  expect(mergePatch(NODE as never, patch as never)).toEqual({ ...NODE, spec: { ...NODE.spec, addresses: both } });
  const fresh = mergePatch({ metadata: { name: 'n1' } }, patch as never) as unknown as typeof NODE;
  expect(withCalicoNode({}, fresh)).toEqual(ANNOTATIONS);
  expect(fresh.spec.orchRefs).toEqual(NODE.spec.orchRefs);
  const less = mergePatch(
    NODE as never,
    calicoNodePatch('n1', { 'projectcalico.org/IPv4Address': '172.30.1.11/24' }, { labels: {}, podCidrs: [] }) as never,
  );
  expect(less).toEqual({
    ...NODE,
    spec: {
      addresses: NODE.spec.addresses,
      bgp: { asNumber: 64513, ipv4Address: '172.30.1.11/24', routeReflectorClusterID: '244.0.0.1' },
      wireguard: {},
      orchRefs: NODE.spec.orchRefs,
    },
    status: {},
  });
});
