import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addAddress, ask, enterNetwork, PROXY, startServer } from '../../../src/app/ingress/rig.test-support.ts';
import { gateway, http, prefix, route, to } from './cases.ts';
import { startGatewayRig } from './gateway-rig.ts';
import type { GatewayRig } from './gateway-rig.ts';
import { gatewayApis } from './objects.ts';
import type { Written } from './objects.ts';

const allowed = enterNetwork();
const PROXY6 = 'fd00:60::1';
const HOST = 'any.example.test';

/** Servers by Service, at an address of each family. */
const SERVERS = { web: ['10.69.0.1', 'fd00:69::1'], api: ['10.69.0.2', 'fd00:69::2'] } as const;

function slice(name: keyof typeof SERVERS, family: 4 | 6): Written {
  return {
    kind: 'EndpointSlice',
    metadata: { name: `${name}-${family}`, labels: { 'kubernetes.io/service-name': name } },
    addressType: `IPv${family}`,
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    endpoints: [{ addresses: [SERVERS[name][family === 4 ? 0 : 1]], conditions: { ready: true } }],
  };
}

describe.runIf(allowed)('clients of either family by HTTPRoutes, where servers see the client itself', () => {
  const servers = new AsyncDisposableStack();
  let rig: GatewayRig;

  beforeAll(async () => {
    addAddress(PROXY6);
    const settings = { SLUICE_INGRESS_LISTEN: `${PROXY},${PROXY6}`, SLUICE_INGRESS_KEEP_CLIENT: 'true' };
    rig = await startGatewayRig(gatewayApis(), settings);
    for (const name of ['web', 'api'] as const) {
      for (const address of SERVERS[name]) servers.use(await startServer(address));
      const ports = [{ name: 'http', port: 8080, protocol: 'TCP' }];
      await rig.apply({ kind: 'Service', metadata: { name }, spec: { ports } }, slice(name, 4));
    }
  });
  afterAll(async () => {
    await rig?.[Symbol.asyncDispose]();
    await servers.disposeAsync();
  });

  const both = (path: string, [four, six]: readonly [string, string], more = {}) =>
    rig.expect([HOST, path, four, more], [HOST, path, six, { ...more, proxy: PROXY6 }]);

  it('come to the address of their own family when there is one, by plain rules, conditions and shares', async () => {
    const backendRefs = ['web', 'api'].map((name) => ({ name, port: 8080 }));
    const headers = [{ name: 'x-new', value: 'yes' }];
    // As many as one line of the configuration has place for, beside a share and a family.
    const many = Array.from({ length: 6 }, (_, at) => ({ name: `x-${at}`, value: 'v' }));
    await rig.apply(
      gateway([http(), http('more', { port: 8090 })]),
      route('all', [
        to('web', [prefix('/')]),
        to('api', [{ ...prefix('/'), headers }]),
        { matches: [{ ...prefix('/shared'), headers: many }], backendRefs },
        to('none', [prefix('/shared')]),
      ]),
    );
    const [web, api] = [SERVERS.web, SERVERS.api];
    const asking = { headers: { 'x-new': 'yes' } };
    await both('/', [web[0], web[0]]);
    await both('/', [api[0], api[0]], asking);
    await rig.apply(slice('web', 6), slice('api', 6));
    await both('/', web);
    await both('/', api, asking);
    await both('/', web, { port: 8090 });
    expect((await ask(HOST, '/', { ...asking, proxy: PROXY6 })).client).toBe(PROXY6);
    expect((await ask(HOST, '/', asking)).client).toBe(PROXY);
    const shared = Object.fromEntries(many.map(({ name, value }) => [name, value]));
    // Each of the shares has some of many requests, and only servers of the client's family do.
    for (const [proxy, at] of [
      [PROXY, 0],
      [PROXY6, 1],
    ] as const) {
      const seen = new Set<string>();
      await expect
        .poll(async () => {
          seen.add((await ask(HOST, '/shared', { proxy, headers: shared })).server);
          return [...seen].sort();
        })
        .toEqual([web[at], api[at]].sort());
    }
  });
});
