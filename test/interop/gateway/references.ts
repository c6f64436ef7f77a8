import { expect } from 'vitest';
import { APP1, APP2, gateway, grant, http, prefix, route, to, V1, V2 } from './cases.ts';
import type { Cases, Fields } from './cases.ts';
import type { GatewayRig } from './gateway-rig.ts';

const HOST = 'any.example.test';
const inApp = (name: string): Fields => ({ name, namespace: 'app', port: 8080 });

/** Waits until a route is refused by its only parent. */
async function refused(rig: GatewayRig, name: string, reason: string, namespace = 'infra'): Promise<void> {
  await rig.expectCondition('HTTPRoute', name, 'Accepted', reason, namespace);
  await rig.expectCondition('HTTPRoute', name, 'ResolvedRefs', 'True', namespace);
  await rig.expectCondition('Gateway', 'edge', 'Programmed', 'True');
  const { status } = await rig.get('Gateway', 'edge');
  expect(status?.listeners?.map(({ attachedRoutes }) => attachedRoutes)).toEqual(status?.listeners?.map(() => 0));
}

/** What routes may name and be attached to. */
export const REFERENCES: Cases = {
  HTTPRouteReferenceGrant: async (rig) => {
    await rig.apply(
      gateway(),
      grant('app', 'HTTPRoute', 'Service', 'app-v1'),
      route('granted', [{ backendRefs: [inApp('app-v1')] }]),
    );
    await rig.expect([HOST, '/', APP1]);
    await rig.expectCondition('HTTPRoute', 'granted', 'ResolvedRefs', 'True');
    await rig.remove('ReferenceGrant', 'grant', 'app');
    await rig.expect([HOST, '/', 500]);
    await rig.expectCondition('HTTPRoute', 'granted', 'ResolvedRefs', 'RefNotPermitted');
  },

  HTTPRouteInvalidReferenceGrant: async (rig) => {
    // From another kind, to another kind, and in another namespace than the Service's.
    for (const wrong of [
      grant('app', 'GRPCRoute', 'Service'),
      grant('app', 'HTTPRoute', 'Secret'),
      grant('web', 'HTTPRoute', 'Service'),
    ]) {
      await rig.clear();
      await rig.apply(gateway(), wrong, route('reference', [{ backendRefs: [inApp('app-v2')] }]));
      await rig.expectCondition('HTTPRoute', 'reference', 'Accepted', 'True');
      await rig.expectCondition('HTTPRoute', 'reference', 'ResolvedRefs', 'RefNotPermitted');
      await rig.expect([HOST, '/', 500]);
    }
  },

  HTTPRoutePartiallyInvalidViaInvalidReferenceGrant: async (rig) => {
    await rig.apply(
      gateway(),
      grant('app', 'HTTPRoute', 'Service', 'app-v1'),
      route('partial', [
        { matches: [prefix('/v2')], backendRefs: [inApp('app-v2')] },
        { matches: [prefix('/')], backendRefs: [inApp('app-v1')] },
      ]),
    );
    await rig.expectCondition('HTTPRoute', 'partial', 'ResolvedRefs', 'RefNotPermitted');
    await rig.expect([HOST, '/v2', 500], [HOST, '/', APP1]);
    await rig.apply(grant('app', 'HTTPRoute', 'Service', 'app-v2'));
    await rig.expect([HOST, '/v2', APP2], [HOST, '/', 500]);
  },

  HTTPRouteInvalidCrossNamespaceBackendRef: async (rig) => {
    await rig.apply(gateway(), route('cross', [{ backendRefs: [{ name: 'web', namespace: 'web', port: 8080 }] }]));
    await rig.expectCondition('HTTPRoute', 'cross', 'Accepted', 'True');
    await rig.expectCondition('HTTPRoute', 'cross', 'ResolvedRefs', 'RefNotPermitted');
    await rig.expect([HOST, '/', 500]);
  },

  HTTPRouteInvalidBackendRefUnknownKind: async (rig) => {
    const unknown = { group: 'unknownkind.example.com', kind: 'NonExistent', name: 'v1', port: 8080 };
    await rig.apply(gateway(), route('kind', [{ backendRefs: [unknown] }]));
    await rig.expectCondition('HTTPRoute', 'kind', 'ResolvedRefs', 'InvalidKind');
    await rig.expect([HOST, '/', 500]);
  },

  HTTPRouteInvalidNonExistentBackendRef: async (rig) => {
    await rig.apply(gateway(), route('gone', [to('nonexistent', [prefix('/')]), to('v1', [prefix('/good')])]));
    await rig.expectCondition('HTTPRoute', 'gone', 'Accepted', 'True');
    await rig.expectCondition('HTTPRoute', 'gone', 'ResolvedRefs', 'BackendNotFound');
    await rig.expect([HOST, '/', 500], [HOST, '/good', V1]);
  },

  HTTPRouteInvalidCrossNamespaceParentRef: async (rig) => {
    await rig.apply(gateway(), route('cross', [to('web')], {}, 'web'));
    await refused(rig, 'cross', 'NotAllowedByListeners', 'web');
    await rig.expect([HOST, '/', 404]);
  },

  HTTPRouteDisallowedKind: async (rig) => {
    const kinds = [{ kind: 'TLSRoute' }];
    await rig.apply(gateway([http('http', { allowedRoutes: { kinds } }), http('other', { hostname: 'x.test' })]));
    await rig.apply(route('kind', [to('v1')], { parentRefs: [{ name: 'edge', sectionName: 'http' }] }));
    await refused(rig, 'kind', 'NotAllowedByListeners');
  },

  HTTPRouteInvalidParentRefNotMatchingSectionName: async (rig) => {
    await rig.apply(gateway(), route('section', [to('v1')], { parentRefs: [{ name: 'edge', sectionName: 'ftp' }] }));
    await refused(rig, 'section', 'NoMatchingParent');
    await rig.expect([HOST, '/', 404]);
  },

  HTTPRouteInvalidParentRefNotMatchingListenerPort: async (rig) => {
    await rig.apply(gateway(), route('port', [to('v1')], { parentRefs: [{ name: 'edge', port: 81 }] }));
    await refused(rig, 'port', 'NoMatchingParent');
  },

  HTTPRouteInvalidParentRefSectionNameNotMatchingPort: async (rig) => {
    const parentRefs = [{ name: 'edge', sectionName: 'http', port: 8081 }];
    await rig.apply(gateway([http(), http('more', { port: 8081 })]), route('both', [to('v1')], { parentRefs }));
    await refused(rig, 'both', 'NoMatchingParent');
  },

  HTTPRouteObservedGenerationBump: async (rig) => {
    await rig.apply(gateway(), route('bump', [to('v1')]));
    await rig.expectCondition('HTTPRoute', 'bump', 'Accepted', 'True');
    const before = await rig.get('HTTPRoute', 'bump');
    await rig.apply(route('bump', [to('v2')]));
    const { observedGeneration } = await rig.expectCondition('HTTPRoute', 'bump', 'Accepted', 'True');
    expect(observedGeneration).toBeGreaterThan(before.metadata.generation!);
    await rig.expect([HOST, '/', V2]);
  },

  HTTPRouteWeight: async (rig) => {
    const backendRefs = [
      { name: 'v1', port: 8080, weight: 70 },
      { name: 'v2', port: 8080, weight: 30 },
      { name: 'v3', port: 8080, weight: 0 },
    ];
    await rig.apply(gateway(), route('weight', [{ backendRefs }]));
    await rig.expectCondition('HTTPRoute', 'weight', 'Accepted', 'True');
    await rig.expect([HOST, '/', V2], [HOST, '/', V1]);
    const counts = await rig.count(HOST, 600);
    // Six standard deviations of 600 draws are 11 %.
    expect(counts.get(V1)! / 600).toBeGreaterThan(0.58);
    expect(counts.get(V1)! / 600).toBeLessThan(0.82);
    expect([...counts.keys()].sort()).toEqual([V1, V2]);
  },

  HTTPRouteAllBackendsWeightZero: async (rig) => {
    const backendRefs = ['v1', 'v2'].map((name) => ({ name, port: 8080, weight: 0 }));
    await rig.apply(gateway(), route('zero', [{ backendRefs }]));
    await rig.expectCondition('HTTPRoute', 'zero', 'ResolvedRefs', 'True');
    await rig.expect([HOST, '/', 500]);
  },

  HTTPRouteNoBackendRefs: async (rig) => {
    await rig.apply(
      gateway(),
      route('none', [
        to('v1', [prefix('/forward')]),
        { matches: [prefix('/omitted')] },
        { matches: [prefix('/empty')], backendRefs: [] },
      ]),
    );
    await rig.expectCondition('HTTPRoute', 'none', 'ResolvedRefs', 'True');
    await rig.expectCondition('HTTPRoute', 'none', 'Accepted', 'True');
    await rig.expect([HOST, '/forward', V1], [HOST, '/omitted', 500], [HOST, '/empty', 500]);
  },

  HTTPRouteServiceTypes: async (rig) => {
    const ports = [{ name: 'first-port', port: 8080, protocol: 'TCP' }];
    const types: Readonly<Record<string, Fields>> = {
      headless: { clusterIP: 'None', selector: { app: 'v1' } },
      'manual-slices': {},
      'headless-manual-slices': { clusterIP: 'None' },
    };
    await rig.apply(
      gateway(),
      route(
        'types',
        Object.keys(types).map((name) => to(name, [prefix(`/${name}`)])),
      ),
    );
    for (const [name, more] of Object.entries(types))
      await rig.apply(
        { kind: 'Service', metadata: { name }, spec: { ports, ...more } },
        {
          kind: 'EndpointSlice',
          metadata: { name, labels: { 'kubernetes.io/service-name': name } },
          addressType: 'IPv4',
          ports,
          endpoints: [{ addresses: [V1], conditions: { ready: true } }],
        },
      );
    await rig.expectCondition('HTTPRoute', 'types', 'ResolvedRefs', 'True');
    for (const name of Object.keys(types)) await rig.expect([HOST, `/${name}`, V1]);
  },
};
