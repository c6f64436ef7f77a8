import { createServer } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { certificateFor, enterNetwork, PROXY } from '../../../src/app/ingress/rig.test-support.ts';
import { EVENTS } from '../../../src/host/kube-client/resources.ts';
import type { KubeObject } from '../../../src/host/kube-client/types.ts';
import { addServices, gateway, http, https, prefix, route, to, V1, V2, V3 } from './cases.ts';
import type { Fields } from './cases.ts';
import { startGatewayRig } from './gateway-rig.ts';
import type { GatewayRig } from './gateway-rig.ts';
import { gatewayApis } from './objects.ts';
import type { Written } from './objects.ts';

const allowed = enterNetwork();
const HOST = 'any.example.test';

/** A route for one host, with something wrong in it besides a rule that is right. */
const wrong = (name: string, rule: Fields): Written =>
  route(name, [rule, to('v1', [prefix('/right')])], { hostnames: [`${name}.test`] });

const filtered = (filter: Fields): Fields => to('v1', [prefix('/filtered')], { filters: [filter] });

describe.runIf(allowed)('Gateways among what is wrong and what else there is', () => {
  let rig: GatewayRig;

  beforeAll(async () => {
    rig = await startGatewayRig();
    await addServices(rig);
  });
  afterEach(() => rig.clear());
  afterAll(() => rig?.[Symbol.asyncDispose]());

  it('leaves out a route that cannot be read, answers 500 for what it names, and serves all others', async () => {
    const regex = (value: string): Fields => ({ path: { type: 'RegularExpression', value } });
    const value = 'x\r\n  http-request deny';
    const routes: Readonly<Record<string, Fields>> = {
      syntax: to('v1', [regex('/(unclosed')]),
      bomb: to('v1', [regex('/(a+)+$')]),
      'header-bomb': to('v1', [{ headers: [{ type: 'RegularExpression', name: 'x', value: '(.*a)*(.*b)*' }] }]),
      lines: filtered({ type: 'RequestHeaderModifier', requestHeaderModifier: { set: [{ name: 'x', value }] } }),
      answer: filtered({ type: 'ResponseHeaderModifier', responseHeaderModifier: { add: [{ name: 'x', value }] } }),
      name: filtered({ type: 'RequestHeaderModifier', requestHeaderModifier: { remove: ['x if TRUE'] } }),
      matched: to('v1', [{ headers: [{ name: 'x', value: 'a\nb' }] }]),
      path: filtered({
        type: 'URLRewrite',
        urlRewrite: { path: { type: 'ReplaceFullPath', replaceFullPath: '/a b%[src]' } },
      }),
      mirror: filtered({ type: 'RequestMirror', requestMirror: { backendRef: { name: 'v2', port: 8080 } } }),
    };
    await rig.apply(gateway(), ...Object.entries(routes).map(([name, rule]) => wrong(name, rule)));
    await rig.apply(route('good', [to('v2')], { hostnames: ['*.test'] }));
    await rig.expect(['good.test', '/', V2]);
    for (const name of Object.keys(routes)) {
      const { message } = await rig.expectCondition('HTTPRoute', name, 'Accepted', 'UnsupportedValue');
      expect(message).not.toBe('');
      await rig.expect([`${name}.test`, '/right', 500]);
    }
    for (const name of ['lines', 'answer', 'mirror']) await rig.expect([`${name}.test`, '/filtered', 500]);
    await rig.expectCondition('HTTPRoute', 'good', 'Accepted', 'True');
  });

  it('takes neither of two listeners that conflict, and serves the third', async () => {
    await rig.apply(
      gateway([
        http('one', { hostname: 'same.test' }),
        http('two', { hostname: 'same.test' }),
        http('plain', { port: 8091 }),
        https('none', { name: 'secure', port: 8091 }),
        http('good', { hostname: 'good.test' }),
      ]),
      route('r', [to('v1')]),
    );
    for (const [name, reason] of [
      ['one', 'HostnameConflict'],
      ['two', 'HostnameConflict'],
      ['plain', 'ProtocolConflict'],
      ['secure', 'ProtocolConflict'],
    ] as const) {
      expect((await rig.expectListener('edge', name, 'Conflicted', 'True')).reason).toBe(reason);
      await rig.expectListener('edge', name, 'Accepted', 'Invalid');
      await rig.expectListener('edge', name, 'Programmed', 'Invalid');
    }
    await rig.expectListener('edge', 'good', 'Programmed', 'True');
    await rig.expect(['good.test', '/', V1], ['same.test', '/', 404]);
  });

  it('serves the other listeners when a Secret is missing or broken, and this one as soon as it is right', async () => {
    await rig.apply(gateway([http(), https('tls')]), route('r', [to('v1')]));
    await rig.expect([HOST, '/', V1]);
    await rig.expectListener('edge', 'https', 'ResolvedRefs', 'InvalidCertificateRef');
    const secret = async (weak: boolean): Promise<Written> => ({
      kind: 'Secret',
      metadata: { name: 'tls' },
      data: await certificateFor(HOST, weak),
    });
    await rig.apply(await secret(true));
    await rig.expectListener('edge', 'https', 'Programmed', 'Invalid');
    await rig.apply(await secret(false));
    await rig.expect([HOST, '/', V1, { tls: true }]);
    await rig.expectListener('edge', 'https', 'Programmed', 'True');
  });

  it('tells by an event of a port that this machine has no place for, and has it when it is free', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(8092, PROXY, resolve));
    await rig.apply(gateway([http(), http('more', { port: 8092 })]), route('r', [to('v1')]));
    await rig.expect([HOST, '/', V1]);
    const reasons = async (): Promise<unknown[]> =>
      (await rig.client.list<KubeObject & { reason?: string }>(EVENTS)).items.map(({ reason }) => reason);
    await expect.poll(reasons).toContain('PortUnavailable');
    await new Promise((resolve) => other.close(resolve));
    await rig.apply(route('r', [to('v2')]));
    await rig.expect([HOST, '/', V2, { port: 8092 }]);
  });

  it('shares its ports with Ingresses: the more specific kind of host first, of the same kind the Ingress', async () => {
    const rule = (host: string): Fields => {
      const backend = { service: { name: 'v3', port: { number: 8080 } } };
      return { ...(host === '' ? {} : { host }), http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } };
    };
    await rig.apply(
      { kind: 'IngressClass', metadata: { name: 'sluice' }, spec: { controller: 'sluice.dev/ingress' } },
      {
        kind: 'Ingress',
        metadata: { name: 'i' },
        spec: { ingressClassName: 'sluice', rules: ['', '*.wild.test', 'exact.wild.test'].map(rule) },
      },
      gateway(),
      route('r', [to('v1', [prefix('/r')])], { hostnames: ['own.wild.test', '*.wild.test', 'exact.wild.test'] }),
    );
    await rig.expect(
      ['own.wild.test', '/r', V1],
      // A host that is found does not fall back to a broader one.
      ['own.wild.test', '/', 404],
      ['exact.wild.test', '/r', V3],
      ['some.wild.test', '/r', V3],
      ['some.other.wild.test', '/r', V1],
      ['elsewhere.test', '/', V3],
    );
  });

  it('changes the servers of a route without a reload', async () => {
    await rig.service('moving', [V1]);
    await rig.apply(gateway(), route('r', [to('moving')]));
    await rig.expect([HOST, '/', V1]);
    await rig.expectCondition('HTTPRoute', 'r', 'Accepted', 'True');
    const worker = await rig.worker();
    for (const address of [V2, V3, V1]) {
      await rig.service('moving', [address]);
      await rig.expect([HOST, '/', address]);
    }
    expect(await rig.worker()).toBe(worker);
  });

  it('leaves what other controllers say in the status of a route', async () => {
    await rig.apply(gateway(), route('r', [to('v1')]));
    await rig.expectCondition('HTTPRoute', 'r', 'Accepted', 'True');
    const foreign = {
      parentRef: { name: 'theirs' },
      controllerName: 'example.com/other',
      conditions: [
        {
          type: 'Accepted',
          status: 'True',
          reason: 'Accepted',
          message: '',
          lastTransitionTime: '2026-01-01T00:00:00Z',
        },
      ],
    };
    const { status } = await rig.get('HTTPRoute', 'r');
    await rig.status('HTTPRoute', 'r', { parents: [...(status?.parents ?? []), foreign] });
    await rig.apply(route('r', [to('v1')], { parentRefs: [{ name: 'theirs' }] }));
    await expect
      .poll(async () => (await rig.get('HTTPRoute', 'r')).status?.parents?.map((each) => each.controllerName))
      .toEqual(['example.com/other']);
  });
});

it.runIf(allowed)('runs without the definitions of the Gateway API, and picks them up when they come', async () => {
  await using rig = await startGatewayRig([]);
  await rig.service('v1', ['10.62.0.1']);
  await rig.service('v3', ['10.62.0.3']);
  const backend = { service: { name: 'v3', port: { number: 8080 } } };
  await rig.apply(
    { kind: 'IngressClass', metadata: { name: 'sluice' }, spec: { controller: 'sluice.dev/ingress' } },
    {
      kind: 'Ingress',
      metadata: { name: 'i' },
      spec: { ingressClassName: 'sluice', defaultBackend: backend },
    },
  );
  await rig.expect(['own.test', '/', '10.62.0.3']);
  await rig.apply(...gatewayApis());
  await rig.apply(gateway(), route('r', [to('v1')], { hostnames: ['own.test'] }));
  await rig.expect(['own.test', '/', '10.62.0.1'], ['other.test', '/', '10.62.0.3']);
});
