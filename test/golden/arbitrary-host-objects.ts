import fc from 'fast-check';
import type { PolicyObject } from '../../src/core/policy/index.ts';
import { arbitraryProfileRules } from './arbitrary-calico-objects.ts';

const V3 = 'projectcalico.org/v3';

/** A HostEndpoint of one of the two nodes: every interface, a named one, or found by its addresses. */
export function arbitraryHostEndpoint(): fc.Arbitrary<PolicyObject> {
  return fc
    .record({
      i: fc.nat(1),
      place: fc.constantFrom('all', 'named', 'named with addresses', 'by addresses'),
      labels: fc.constantFrom({ host: 'a' }, { host: 'b', app: 'a' }),
      profiles: fc.subarray(['own', 'projectcalico-default-allow', 'missing']),
      ports: fc.subarray([{ name: 'http', protocol: 'TCP', port: 8080 }]),
    })
    .map(({ i, place, labels, profiles, ports }) => ({
      apiVersion: V3,
      kind: 'HostEndpoint',
      metadata: { labels },
      spec: {
        node: `node-${i}`,
        ...(place === 'all' ? { interfaceName: '*' } : place.startsWith('named') ? { interfaceName: 'eth0' } : {}),
        ...(place.endsWith('addresses') ? { expectedIPs: [`172.30.1.${11 + i}`, `fd00:30:1::${11 + i}`] } : {}),
        profiles,
        ports,
      },
    }));
}

/** The one profile that generated host endpoints may bear and that is not built in. */
export function arbitraryProfile(): fc.Arbitrary<PolicyObject> {
  return fc
    .record({
      labelsToApply: fc.constantFrom({}, { tier: 'a' }),
      ingress: arbitraryProfileRules('ingress'),
      egress: arbitraryProfileRules('egress'),
    })
    .map((spec) => ({ apiVersion: V3, kind: 'Profile', metadata: { name: 'own' }, spec }));
}

/** The cluster's settings: what becomes of pods' connections to their node, and which ports of nodes stay open. */
export function arbitrarySettings(): fc.Arbitrary<PolicyObject> {
  const failsafe = fc.constantFrom<object[][]>(
    [],
    [{ protocol: 'tcp', port: 80 }],
    [
      { protocol: 'tcp', port: 80, net: '10.244.1.0/24' },
      { protocol: 'tcp', port: 80, net: 'fd00:10:244::1:0/112' },
    ],
    [
      { protocol: 'udp', port: 53, net: '0.0.0.0/0' },
      { protocol: 'tcp', port: 8080, net: 'fd00:10:244::/64' },
    ],
  );
  return fc
    .record(
      {
        defaultEndpointToHostAction: fc.constantFrom('Accept', 'Return', 'Drop'),
        failsafeInboundHostPorts: failsafe,
        failsafeOutboundHostPorts: failsafe,
        natOutgoingExclusions: fc.constantFrom('IPPoolsOnly', 'IPPoolsAndHostIPs'),
      },
      { requiredKeys: [] },
    )
    .map((spec) => ({ apiVersion: V3, kind: 'FelixConfiguration', metadata: { name: 'default' }, spec }));
}
