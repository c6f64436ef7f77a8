import { exact, gateway, prefix, route, to, V1, V2, V3 } from './cases.ts';
import type { Cases } from './cases.ts';

const HOST = 'any.example.test';

/** Which rule a request is for. */
export const MATCHING: Cases = {
  HTTPRouteSimpleSameNamespace: async (rig) => {
    await rig.apply(gateway(), route('simple', [to('v1')]));
    await rig.expectCondition('HTTPRoute', 'simple', 'Accepted', 'True');
    await rig.expect([HOST, '/', V1]);
  },

  HTTPRouteExactPathMatching: async (rig) => {
    await rig.apply(gateway(), route('exact', [to('v1', [exact('/one')]), to('v2', [exact('/two')])]));
    await rig.expect(
      [HOST, '/one', V1],
      [HOST, '/two', V2],
      [HOST, '/', 404],
      [HOST, '/one/example', 404],
      [HOST, '/two/', 404],
      [HOST, '/Two', 404],
    );
  },

  HTTPRouteHeaderMatching: async (rig) => {
    const header = (...all: readonly string[]) => ({
      headers: all.map((each) => ({ name: each.split(':')[0]!, value: each.split(':')[1]! })),
    });
    await rig.apply(
      gateway(),
      route('headers', [
        to('v1', [header('version:one')]),
        to('v2', [header('version:two')]),
        to('v1', [header('version:two', 'color:orange')]),
        to('v1', [header('color:blue'), header('color:green')]),
        to('v2', [header('color:red'), header('color:yellow')]),
      ]),
    );
    const seen = (headers: Readonly<Record<string, string>>, expected: string | number) =>
      [HOST, '/', expected, { headers }] as const;
    await rig.expect(
      seen({ version: 'one' }, V1),
      seen({ version: 'two' }, V2),
      seen({ version: 'two', color: 'orange' }, V1),
      seen({ Color: 'blue' }, V1),
      seen({ color: 'green' }, V1),
      seen({ color: 'red' }, V2),
      seen({ color: 'yellow' }, V2),
      seen({ color: 'Yellow' }, 404),
      seen({ version: 'two', color: 'blue' }, V2),
      seen({ color: 'purple' }, 404),
      [HOST, '/', 404],
    );
  },

  HTTPRouteMatching: async (rig) => {
    const version = { headers: [{ name: 'version', value: 'two' }] };
    await rig.apply(
      gateway(),
      route('part1', [to('v1', [prefix('/')]), to('v2', [prefix('/v2'), version])]),
      route('part2', [to('v2', [{ ...prefix('/example'), ...version }])]),
    );
    const asking = { headers: { version: 'two' } };
    await rig.expect(
      [HOST, '/', V1],
      [HOST, '/example', V1],
      [HOST, '/', V2, asking],
      [HOST, '/example', V2, asking],
      [HOST, '/v2', V2],
      [HOST, '/v2/', V2],
      [HOST, '/v2/example', V2],
      [HOST, '/v2example', V1],
      [HOST, '/foo/v2/example', V1],
    );
  },

  HTTPRouteMatchingAcrossRoutes: async (rig) => {
    const version = (value: string) => ({ headers: [{ name: 'version', value }] });
    await rig.apply(
      gateway(),
      route('part1', [to('v1', [prefix('/'), version('one')])], { hostnames: ['example.com', 'example.net'] }),
      route('part2', [to('v2', [prefix('/v2'), version('two')])], { hostnames: ['example.com'] }),
    );
    const asking = (value: string) => ({ headers: { version: value } });
    await rig.expect(
      ['example.com', '/', V1],
      ['example.com', '/example', V1],
      ['example.net', '/example', V1],
      ['example.com', '/example', V1, asking('one')],
      ['example.com', '/v2', V2],
      ['example.com', '/v2/example', V2],
      ['example.com', '/', V2, asking('two')],
      // v2 only matches for example.com
      ['example.net', '/', V1, asking('two')],
      ['example.net', '/v2', V1],
    );
  },

  HTTPRoutePathMatchOrder: async (rig) => {
    await rig.apply(
      gateway(),
      route('order', [
        to('v1', [prefix('/match')]),
        to('v2', [prefix('/match/prefix')]),
        to('v3', [exact('/match/exact')]),
        to('v1', [prefix('/match/prefix/one')]),
        to('v2', [prefix('/match/exact')]),
        to('v3', [prefix('/match/exact/one')]),
        to('v1', [exact('/match/exact/one')]),
        to('v2', [prefix('/')]),
      ]),
    );
    await rig.expect(
      [HOST, '/match/exact/one', V1],
      [HOST, '/match/exact/one/two', V3],
      [HOST, '/match/exact', V3],
      [HOST, '/match/exact/two', V2],
      [HOST, '/match/prefix/one/any', V1],
      [HOST, '/match/prefix/any', V2],
      [HOST, '/match/any', V1],
      [HOST, '/mat', V2],
    );
  },

  HTTPRouteMethodMatching: async (rig) => {
    const method = (name: string) => ({ method: name });
    const version = { headers: [{ name: 'version', value: 'four' }] };
    await rig.apply(
      gateway(),
      route('method', [
        to('v1', [method('POST')]),
        to('v2', [method('GET')]),
        to('v1', [{ ...prefix('/path1'), ...method('GET') }]),
        to('v2', [{ ...version, ...method('PUT') }]),
        to('v3', [{ ...prefix('/path2'), ...version, ...method('POST') }]),
        // Of the same path, a method comes before headers.
        to('v1', [{ ...prefix('/path5'), ...method('PATCH') }]),
        to('v2', [{ ...prefix('/path5'), ...version }]),
      ]),
    );
    const asking = (name: string, headers = {}) => ({ method: name, headers });
    await rig.expect(
      [HOST, '/', V1, asking('POST')],
      [HOST, '/', V2],
      [HOST, '/', 404, asking('HEAD')],
      [HOST, '/path1', V1],
      [HOST, '/', V2, asking('PUT', { version: 'four' })],
      [HOST, '/path2', V3, asking('POST', { version: 'four' })],
      [HOST, '/path5', V1, asking('PATCH', { version: 'four' })],
      [HOST, '/path5', V2, asking('DELETE', { version: 'four' })],
    );
  },

  HTTPRouteQueryParamMatching: async (rig) => {
    const query = (...all: readonly string[]) => ({
      queryParams: all.map((each) => ({ name: each.split('=')[0]!, value: each.split('=')[1]! })),
    });
    await rig.apply(
      gateway(),
      route('query', [
        to('v1', [query('animal=whale')]),
        to('v2', [query('animal=dolphin')]),
        to('v3', [query('animal=dolphin', 'color=blue')]),
        to('v3', [query('ANIMAL=Whale')]),
        to('v1', [{ ...prefix('/path1'), ...query('animal=sea horse') }]),
      ]),
    );
    await rig.expect(
      [HOST, '/?animal=whale', V1],
      [HOST, '/?animal=dolphin', V2],
      [HOST, '/?animal=dolphin&color=blue', V3],
      [HOST, '/?ANIMAL=Whale', V3],
      [HOST, '/path1?x=1&animal=sea+horse', V1],
      [HOST, '/path1?animal=sea%20horse', V1],
      [HOST, '/?animal=dolphin&color=yellow', V2],
      [HOST, '/?animal=horse', 404],
      [HOST, '/?animal=whalesky', 404],
      [HOST, '/', 404],
    );
  },
};
