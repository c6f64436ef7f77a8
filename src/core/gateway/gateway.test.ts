import { expect, it } from 'vitest';
import { parseDuration } from './duration.ts';
import { isGranted } from './grants.ts';
import { intersect, readHostname } from './hostname.ts';
import { classStatus, deriveGateways, GATEWAY_CONTROLLER, gatewayStatus, routeStatus } from './index.ts';
import type { Gateway, GatewayWorld, HttpRoute } from './index.ts';
import { readTimeouts } from './read-timeouts.ts';
import type { Listener } from './types.ts';

const EMPTY: GatewayWorld = {
  classes: [{ metadata: { name: 'ours' }, spec: { controllerName: GATEWAY_CONTROLLER } }],
  gateways: [],
  routes: [],
  grants: [],
  namespaces: new Map(),
  takenPorts: new Map([[10_254, 'is one of the proxy itself']]),
  services: new Map(),
  slices: new Map(),
  secrets: new Map(),
  inspectCertificate: () => ({ names: [] }),
  rejected: new Map(),
};

const AROUND = { addresses: ['203.0.113.7'], rejected: new Map<string, string>(), now: '2026-02-02T00:00:00Z' };

function gateway(name: string, listeners: readonly Listener[], created = '2026-01-01T00:00:00Z'): Gateway {
  const metadata = { name, namespace: 'default', generation: 3, creationTimestamp: created };
  return { metadata, spec: { gatewayClassName: 'ours', listeners } };
}

const http = (name: string, port = 80): Listener => ({ name, port, protocol: 'HTTP' });

function route(name: string, parent = 'edge'): HttpRoute {
  return { metadata: { name, namespace: 'default', generation: 5 }, spec: { parentRefs: [{ name: parent }] } };
}

it.each([
  ['', 'a.test', 'a.test'],
  ['*.test', 'a.test', 'a.test'],
  ['*.test', 'b.a.test', 'b.a.test'],
  ['*.test', 'test', undefined],
  ['*.a.test', '*.test', '*.a.test'],
  ['a.test', '*.b.test', undefined],
  ['xtest', '*.test', undefined],
  ['A.Test', 'a.test', 'a.test'],
])('hostnames %s and %s meet at %s', (a, b, expected) => {
  const common = intersect(readHostname(a)!, readHostname(b)!);
  const text =
    common?.kind === 'wildcard' ? `*.${common.parent}` : common?.kind === 'exact' ? common.name : common?.kind;
  expect(text).toBe(expected);
});

it.each(['a..b', '-a.test', '*.', 'a.*.test', '**', 'a test', '1.2.3.4/x'])('%s is no hostname', (text) => {
  expect(readHostname(text)).toBeUndefined();
});

it.each([
  [['v1.4.0', 'v1.4.0'], 'True', 'of v1.4.0;'],
  [['v1.0.0', 'v1.6.1'], 'True', 'of v1.0.0, v1.6.1;'],
  [['v1.2.0-rc.1'], 'True', 'v1.2.0-rc.1'],
  [['v1.4.0', ''], 'UnsupportedVersion', 'd1 is of no release;'],
  [['v1.4.0', 'v0.8.1'], 'UnsupportedVersion', 'd1 is of v0.8.1;'],
  [['v1.99.0'], 'UnsupportedVersion', 'v1.99.0'],
  [['v2.0.0'], 'UnsupportedVersion', 'v2.0.0'],
  [['latest'], 'UnsupportedVersion', 'latest'],
])('definitions of %j make SupportedVersion %s', (versions, expected, told) => {
  const definitions = new Map(versions.map((version, index) => [`d${index}`, version]));
  const { classes, version } = deriveGateways({ ...EMPTY, definitions });
  const found = classStatus(classes[0]!, version, AROUND)?.conditions?.find(({ type }) => type === 'SupportedVersion');
  expect(found?.status === 'True' ? 'True' : found?.reason).toBe(expected);
  expect(found?.message).toContain(told);
});

it('classes tell nothing of releases where definitions cannot be read, and take back what they said', () => {
  const known = { type: 'SupportedVersion', status: 'True', reason: '', message: '', lastTransitionTime: '' } as const;
  const { classes, version } = deriveGateways(EMPTY);
  const status = classStatus({ ...classes[0], status: { conditions: [known] } }, version, AROUND);
  expect(status?.conditions?.map(({ type }) => type)).toEqual(['Accepted']);
});

it.each([
  [{ tls: { frontend: { default: { validation: {} } } } }, {}],
  [{}, { frontendValidation: {} }],
])('a listener that is to ask clients for certificates is not served: %j %j', (spec, tls) => {
  const listener: Listener = {
    name: 'https',
    port: 443,
    protocol: 'HTTPS',
    tls: { certificateRefs: [{ name: 'c' }], ...tls },
  };
  const edge = gateway('edge', [listener, http('plain')]);
  const secrets = new Map([['default/c', { certificate: 'c', key: 'k' }]]);
  const ways = (gateways: Gateway[]) => {
    const [found] = deriveGateways({ ...EMPTY, secrets, gateways }).gateways;
    return found?.listeners.map(({ accepted, serves }) => [accepted.reason, serves]);
  };
  const { frontendValidation: _, ...usual } = listener.tls as { frontendValidation?: object };
  expect(ways([gateway('edge', [{ ...listener, tls: usual }])])).toEqual([['Accepted', true]]);
  expect(ways([{ ...edge, spec: { ...edge.spec, ...spec } }])).toEqual([
    ['Invalid', false],
    ['Accepted', true],
  ]);
});

it.each([
  ['10s', 10_000],
  ['1h30m', 5_400_000],
  ['500ms', 500],
  ['1m500ms', 60_500],
  ['0s', 0],
  ['1.5s', undefined],
  ['10', undefined],
  ['1d', undefined],
  ['', undefined],
])('duration %s is %s milliseconds', (text, expected) => {
  expect(parseDuration(text)).toBe(expected);
});

it.each([
  [{}, {}],
  [{ request: '0s' }, { responseTimeout: 2_073_600_000 }],
  [{ request: '10s' }, { responseTimeout: 10_000, connecting: { timeout: 5000, retries: 1 }, deadline: 10_000 }],
  [{ request: '1h' }, { responseTimeout: 3_600_000, connecting: { timeout: 5000, retries: 3 }, deadline: 3_600_000 }],
  [{ request: '1ms' }, { responseTimeout: 1, connecting: { timeout: 1, retries: 0 }, deadline: 1 }],
  [{ backendRequest: '2s' }, { responseTimeout: 2000, connecting: { timeout: 2000, retries: 3 } }],
  [
    { request: '5s', backendRequest: '2s' },
    { responseTimeout: 2000, connecting: { timeout: 2000, retries: 1 }, deadline: 5000 },
  ],
  [{ request: '1s', backendRequest: '0s' }, expect.objectContaining({ responseTimeout: 1000 })],
  [{ request: '1s', backendRequest: '2s' }, expect.objectContaining({ reason: 'UnsupportedValue' })],
  [{ backendRequest: 'soon' }, { reason: 'UnsupportedValue', problem: 'a timeout is no duration: soon' }],
])('timeouts %j leave no time for more attempts than fit', (timeouts, expected) => {
  expect(readTimeouts({ timeouts })).toEqual(expected);
});

it('grants what a ReferenceGrant in the namespace of the target names, and nothing else', () => {
  const from = { group: 'gateway.networking.k8s.io', kind: 'HTTPRoute', namespace: 'infra' };
  const to = { group: '', kind: 'Service', namespace: 'app', name: 'api' };
  const grant = (namespace: string, name?: string) => [
    {
      metadata: { namespace },
      spec: { from: [from], to: [{ kind: 'Service', ...(name === undefined ? {} : { name }) }] },
    },
  ];
  expect(isGranted([], from, { ...to, namespace: 'infra' })).toBe(true);
  expect(isGranted([], from, to)).toBe(false);
  expect(isGranted(grant('app'), from, to)).toBe(true);
  expect(isGranted(grant('app', 'api'), from, to)).toBe(true);
  expect(isGranted(grant('app', 'other'), from, to)).toBe(false);
  expect(isGranted(grant('infra'), from, to)).toBe(false);
  expect(isGranted(grant('app'), { ...from, namespace: 'web' }, to)).toBe(false);
});

it('gives a port that two Gateways want with different protocols to the older one', () => {
  const secure: Listener = { name: 'tls', port: 8443, protocol: 'HTTPS', tls: { certificateRefs: [{ name: 'tls' }] } };
  const secrets = new Map([['default/tls', { certificate: 'c', key: 'k' }]]);
  const gateways = [gateway('young', [secure], '2026-01-02T00:00:00Z'), gateway('old', [http('plain', 8443)])];
  const { proxy, gateways: told } = deriveGateways({ ...EMPTY, secrets, gateways });
  expect(proxy.ports).toEqual([{ port: 8443, tls: false, certificates: [] }]);
  expect(told.map(({ listeners }) => listeners[0]!.accepted.reason)).toEqual(['Accepted', 'PortUnavailable']);
});

it.each([
  [443, 'HTTP'],
  [10_254, 'HTTP'],
])('does not take port %s for %s', (port, protocol) => {
  const { gateways, proxy } = deriveGateways({
    ...EMPTY,
    gateways: [gateway('edge', [{ name: 'l', port, protocol }])],
  });
  expect(gateways[0]!.listeners[0]!.accepted).toMatchObject({ status: 'False', reason: 'PortUnavailable' });
  expect(proxy.ports).toEqual([]);
});

it('leaves Gateways of other classes, and those of a class with parameters, alone', () => {
  const parametersRef = { group: '', kind: 'ConfigMap', name: 'x' };
  const classes = [
    { metadata: { name: 'ours' }, spec: { controllerName: GATEWAY_CONTROLLER, parametersRef } },
    { metadata: { name: 'theirs' }, spec: { controllerName: 'example.com/other' } },
  ];
  const model = deriveGateways({ ...EMPTY, classes, gateways: [gateway('edge', [http('l')])], routes: [route('r')] });
  expect(model.gateways).toEqual([]);
  expect(model.proxy.virtualHosts).toEqual([]);
  expect(routeStatus(model.routes[0]!, AROUND)).toBeUndefined();
});

it('keeps since when a condition holds, and who else wrote one', () => {
  const lastTransitionTime = '2026-01-01T00:00:00Z';
  const said = (type: string, status: 'True' | 'False') => ({
    type,
    status,
    reason: 'R',
    message: '',
    lastTransitionTime,
  });
  const conditions = [said('Accepted', 'True'), said('Programmed', 'False'), said('example.com/Checked', 'True')];
  const world = { ...EMPTY, gateways: [{ ...gateway('edge', [http('l')]), status: { conditions } }] };
  const { gateways, routes } = deriveGateways(world);
  expect(gatewayStatus(gateways[0]!, routes, AROUND)?.conditions).toMatchObject([
    { type: 'Accepted', status: 'True', observedGeneration: 3, lastTransitionTime },
    { type: 'Programmed', status: 'True', observedGeneration: 3, lastTransitionTime: AROUND.now },
    { type: 'example.com/Checked', status: 'True', reason: 'R' },
  ]);
});

it('says of a Gateway and a route which the proxy refused what it said', () => {
  const gateways = [gateway('edge', [http('l')])];
  const rejected = new Map([
    ['Gateway default/edge', 'bad certificate'],
    ['HTTPRoute default/r', 'bad expression'],
  ]);
  const model = deriveGateways({ ...EMPTY, gateways, routes: [route('r')], rejected });
  expect(model.proxy.virtualHosts).toEqual([]);
  const { conditions, listeners } = gatewayStatus(model.gateways[0]!, model.routes, { ...AROUND, rejected })!;
  expect(conditions?.[1]).toMatchObject({ type: 'Programmed', status: 'False', reason: 'Invalid' });
  expect(listeners?.[0]?.conditions[2]?.message).toContain('bad certificate');
  expect(routeStatus(model.routes[0]!, AROUND)?.parents?.[0]?.conditions[0]).toMatchObject({
    status: 'False',
    reason: 'UnsupportedValue',
    message: 'the proxy does not take it: bad expression',
    observedGeneration: 5,
  });
});

it('calls an address of a Gateway that is not the proxy’s own not usable', () => {
  const { metadata, spec } = gateway('edge', [http('l')]);
  const world = {
    ...EMPTY,
    gateways: [{ metadata, spec: { ...spec, addresses: [{ value: '192.0.2.1' }] } } as Gateway],
  };
  const model = deriveGateways(world);
  const { conditions } = gatewayStatus(model.gateways[0]!, model.routes, AROUND)!;
  expect(conditions?.[1]).toMatchObject({ type: 'Programmed', status: 'False', reason: 'AddressNotUsable' });
});
