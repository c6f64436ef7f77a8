import { expect } from 'vitest';
import { certificateFor } from '../../../src/app/ingress/rig.test-support.ts';
import { CUSTOM_RESOURCE_DEFINITIONS } from '../../../src/host/kube-client/resources.ts';
import { gateway, grant, http, https, route, to, V1, V2 } from './cases.ts';
import type { Cases, Fields } from './cases.ts';
import type { GatewayRig } from './gateway-rig.ts';
import type { Written } from './objects.ts';

const HOST = 'any.example.test';

/** A listener whose certificate is in namespace `web`. */
const foreign = (): Fields => https('tls', { tls: { certificateRefs: [{ name: 'tls', namespace: 'web' }] } });

async function secret(namespace: string): Promise<Written> {
  return { kind: 'Secret', metadata: { name: 'tls', namespace }, data: await certificateFor(HOST) };
}

/** Kinds and numbers of routes of the listeners of Gateway `edge`. */
async function told(rig: GatewayRig): Promise<unknown> {
  const { status } = await rig.get('Gateway', 'edge');
  return status?.listeners?.map(({ name, supportedKinds, attachedRoutes }) => [
    name,
    supportedKinds.map(({ kind }) => kind),
    attachedRoutes,
  ]);
}

/** Waits until the certificate of another namespace may not be named. */
async function notPermitted(rig: GatewayRig): Promise<void> {
  await rig.expectListener('edge', 'https', 'ResolvedRefs', 'RefNotPermitted');
  await rig.expectListener('edge', 'https', 'Programmed', 'Invalid');
}

/** What Gateways and their listeners are, and say. */
export const GATEWAYS: Cases = {
  GatewayClassObservedGenerationBump: async (rig) => {
    const { observedGeneration: before } = await rig.expectCondition('GatewayClass', 'sluice', 'Accepted', 'True');
    const spec = { controllerName: 'sluice.dev/gateway', description: `described ${before}` };
    await rig.apply({ kind: 'GatewayClass', metadata: { name: 'sluice' }, spec });
    const { observedGeneration } = await rig.expectCondition('GatewayClass', 'sluice', 'Accepted', 'True');
    expect(observedGeneration).toBe(before! + 1);
  },

  GatewayClassSupportedVersionCondition: async (rig) => {
    const definition = { name: 'gatewayclasses.gateway.networking.k8s.io' };
    const release = (version: string | null): Promise<unknown> =>
      rig.client.patch(CUSTOM_RESOURCE_DEFINITIONS, definition, 'merge', {
        metadata: { annotations: { 'gateway.networking.k8s.io/bundle-version': version } },
      });
    const told = (expected: string) => rig.expectCondition('GatewayClass', 'sluice', 'SupportedVersion', expected);
    await told('True');
    await release(null);
    expect((await told('UnsupportedVersion')).message).toContain(`${definition.name} is of no release`);
    await release('v1.4.0');
    await told('True');
    await release('v0.0.0');
    expect((await told('UnsupportedVersion')).message).toContain('is of v0.0.0; known are v1.0 to');
    await release('v1.4.0');
    await told('True');
    await rig.expectCondition('GatewayClass', 'sluice', 'Accepted', 'True');
  },

  GatewayObservedGenerationBump: async (rig) => {
    await rig.apply(gateway());
    const before = await rig.expectCondition('Gateway', 'edge', 'Programmed', 'True');
    await rig.apply(gateway([http(), http('alternate', { port: 8090 })]));
    const after = await rig.expectCondition('Gateway', 'edge', 'Programmed', 'True');
    expect(after.observedGeneration).toBe(before.observedGeneration! + 1);
    await rig.expectListener('edge', 'alternate', 'Accepted', 'True');
  },

  GatewayInvalidParametersRef: async (rig) => {
    const parametersRef = { group: 'example.com', kind: 'Parameters', name: 'nonexistent' };
    const { spec, ...edge } = gateway();
    await rig.apply(
      { ...edge, spec: { ...(spec as Fields), infrastructure: { parametersRef } } },
      route('r', [to('v1')]),
    );
    await rig.expectCondition('Gateway', 'edge', 'Accepted', 'InvalidParameters');
    await rig.expectCondition('Gateway', 'edge', 'Programmed', 'Invalid');
    await rig.apply({ ...edge, spec: { ...(spec as Fields), infrastructure: null } });
    await rig.expectCondition('Gateway', 'edge', 'Accepted', 'True');
    await rig.expect([HOST, '/', V1]);
  },

  GatewayNameMaximumLength: async (rig) => {
    const name = 'long-'.padEnd(253, 'a');
    await rig.apply(gateway([http()], name));
    await rig.expectCondition('Gateway', name, 'Programmed', 'True');
  },

  GatewayOverlappingTLSConfigHostnames: async (rig) => {
    const at = (name: string, hostname: string, port = 443): Fields => ({ ...https('tls', { hostname, port }), name });
    const listeners = [at('foo', 'foo.example.com'), at('bar', 'bar.bar.example.com'), at('wildcard', '*.example.com')];
    const apart = [at('apart', 'example.com'), at('other-port', 'foo.example.com', 9443)];
    await rig.apply(await secret('infra'), gateway([...listeners, ...apart]));
    for (const { name } of listeners) {
      const condition = await rig.expectListener('edge', name as string, 'OverlappingTLSConfig', 'True');
      expect(condition.reason).toBe('OverlappingHostnames');
    }
    const overlapping = async (): Promise<unknown> =>
      (await rig.get('Gateway', 'edge')).status?.listeners
        ?.filter(({ conditions }) => conditions.some(({ type }) => type === 'OverlappingTLSConfig'))
        .map(({ name }) => name);
    expect(await overlapping()).toEqual(['foo', 'bar', 'wildcard']);
    await rig.apply(gateway([...listeners.slice(0, 2), ...apart]));
    await expect.poll(overlapping).toEqual([]);
  },

  GatewayUpdateListenerHostname: async (rig) => {
    await rig.apply(
      gateway([http('http', { hostname: 'other.example.com' })]),
      route('r', [to('v1')], { hostnames: ['accepted.example.com'] }),
    );
    await rig.expectCondition('HTTPRoute', 'r', 'Accepted', 'NoMatchingListenerHostname');
    await rig.apply(gateway([http('http', { hostname: 'accepted.example.com' })]));
    await rig.expectCondition('HTTPRoute', 'r', 'Accepted', 'True');
    await expect.poll(() => told(rig)).toEqual([['http', ['HTTPRoute'], 1]]);
    await rig.expect(['accepted.example.com', '/', V1]);
  },

  GatewayInvalidRouteKind: async (rig) => {
    const kinds = (...all: readonly string[]): Fields => ({ allowedRoutes: { kinds: all.map((kind) => ({ kind })) } });
    await rig.apply(
      gateway([
        http('wrong', { ...kinds('InvalidRoute'), hostname: 'wrong.test' }),
        http('mixed', { ...kinds('InvalidRoute', 'HTTPRoute'), hostname: 'mixed.test' }),
      ]),
      route('kinds', [to('v1')]),
    );
    await rig.expectListener('edge', 'wrong', 'ResolvedRefs', 'InvalidRouteKinds');
    await rig.expectListener('edge', 'mixed', 'ResolvedRefs', 'InvalidRouteKinds');
    await expect
      .poll(() => told(rig))
      .toEqual([
        ['wrong', [], 0],
        ['mixed', ['HTTPRoute'], 1],
      ]);
    await rig.expect(['mixed.test', '/', V1], ['wrong.test', '/', 404]);
  },

  GatewayListenerUnsupportedProtocol: async (rig) => {
    const strange = { name: 'invalid', port: 8081, protocol: 'example.com/strange' };
    await rig.apply(gateway([strange]));
    await rig.expectCondition('Gateway', 'edge', 'Accepted', 'ListenersNotValid');
    await rig.expectListener('edge', 'invalid', 'Accepted', 'UnsupportedProtocol');
    await rig.apply(gateway([http(), strange]), route('r', [to('v1')]));
    const { reason } = await rig.expectCondition('Gateway', 'edge', 'Accepted', 'True');
    expect(reason).toBe('ListenersNotValid');
    await rig.expectListener('edge', 'invalid', 'Accepted', 'UnsupportedProtocol');
    await rig.expectListener('edge', 'http', 'Accepted', 'True');
    await expect
      .poll(() => told(rig))
      .toEqual([
        ['http', ['HTTPRoute'], 1],
        ['invalid', [], 0],
      ]);
    await rig.expect([HOST, '/', V1]);
  },

  GatewayInvalidTLSConfiguration: async (rig) => {
    const data = { 'tls.crt': 'SGVsbG8=', 'tls.key': 'SGVsbG8=' };
    await rig.apply({ kind: 'Secret', metadata: { name: 'malformed' }, data });
    const references = [
      { name: 'nonexistent' },
      { group: 'wrong.group.company.io', kind: 'Secret', name: 'malformed' },
      { kind: 'WrongKind', name: 'malformed' },
      { name: 'malformed' },
    ];
    for (const reference of references) {
      await rig.apply(gateway([https('', { tls: { certificateRefs: [reference] } })]));
      await rig.expectListener('edge', 'https', 'ResolvedRefs', 'InvalidCertificateRef');
      await rig.expectListener('edge', 'https', 'Programmed', 'Invalid');
      expect(await told(rig)).toEqual([['https', ['HTTPRoute'], 0]]);
    }
  },

  GatewaySecretMissingReferenceGrant: async (rig) => {
    await rig.apply(await secret('web'), gateway([foreign()]));
    await notPermitted(rig);
  },

  GatewaySecretInvalidReferenceGrant: async (rig) => {
    await rig.apply(await secret('web'), grant('web', 'Gateway', 'Secret', 'other'), gateway([foreign()]));
    await notPermitted(rig);
    await rig.apply(grant('web', 'HTTPRoute', 'Secret'), gateway([foreign()]));
    await notPermitted(rig);
  },

  GatewaySecretReferenceGrantAllInNamespace: async (rig) => {
    await rig.apply(await secret('web'), grant('web', 'Gateway', 'Secret'), gateway([foreign()]));
    await rig.expectListener('edge', 'https', 'ResolvedRefs', 'True');
    await rig.expectListener('edge', 'https', 'Programmed', 'True');
  },

  GatewaySecretReferenceGrantSpecific: async (rig) => {
    await rig.apply(await secret('web'), grant('web', 'Gateway', 'Secret', 'tls'), gateway([foreign()]));
    await rig.expectListener('edge', 'https', 'Programmed', 'True');
    await rig.apply(route('r', [to('v1')]));
    expect((await rig.expect([HOST, '/', V1, { tls: true }])).certificate).toBe(HOST);
  },

  GatewayModifyListeners: async (rig) => {
    const more = http('more', { hostname: 'data.test.com', allowedRoutes: { namespaces: { from: 'All' } } });
    await rig.apply(await secret('infra'), gateway([https('tls')]), route('r', [to('v1')]));
    await rig.expect([HOST, '/', V1, { tls: true }]);
    await rig.apply(gateway([https('tls'), more]));
    await rig.expect(['data.test.com', '/', V1], [HOST, '/', V1, { tls: true }]);
    await expect
      .poll(() => told(rig))
      .toEqual([
        ['https', ['HTTPRoute'], 1],
        ['more', ['HTTPRoute'], 1],
      ]);
    await rig.apply(gateway([more]));
    await rig.expect(['data.test.com', '/', V1], [HOST, '/', 404, { tls: true }]);
    await expect.poll(() => told(rig)).toEqual([['more', ['HTTPRoute'], 1]]);
    await rig.expectCondition('Gateway', 'edge', 'Programmed', 'True');
  },

  GatewayWithAttachedRoutes: async (rig) => {
    const selector = { matchLabels: { 'kubernetes.io/metadata.name': 'infra' } };
    const namespaces = { from: 'Selector', selector };
    await rig.apply(gateway([http('http', { allowedRoutes: { kinds: [{ kind: 'HTTPRoute' }], namespaces } })]));
    await rig.apply(route('r1', [to('v1')]), route('elsewhere', [to('web')], {}, 'web'));
    await expect.poll(() => told(rig)).toEqual([['http', ['HTTPRoute'], 1]]);
    await rig.apply(route('r2', [to('nonexistent')]));
    await expect.poll(() => told(rig)).toEqual([['http', ['HTTPRoute'], 2]]);
    await rig.expectCondition('HTTPRoute', 'elsewhere', 'Accepted', 'NotAllowedByListeners', 'web');
    // A listener that cannot serve has its routes, too.
    await rig.apply(gateway([https('nonexistent')]));
    await expect.poll(() => told(rig)).toEqual([['https', ['HTTPRoute'], 2]]);
  },

  GatewayWithAttachedRoutesWithPort8080: async (rig) => {
    await rig.apply(
      gateway([http('unattached', { port: 8080 }), http()]),
      route('r', [to('v2')], { parentRefs: [{ name: 'edge', sectionName: 'http' }] }),
    );
    await expect
      .poll(() => told(rig))
      .toEqual([
        ['unattached', ['HTTPRoute'], 0],
        ['http', ['HTTPRoute'], 1],
      ]);
    await rig.expect([HOST, '/', V2], [HOST, '/', 404, { port: 8080 }]);
  },
};
