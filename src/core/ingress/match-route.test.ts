import { describe, expect, it } from 'vitest';
import { matchRoute } from './match-route.ts';
import type { HostMatch, PathMatch, Route } from './model.ts';

function route(host: HostMatch, kind: PathMatch['kind'], value: string): Route {
  return { host, path: { kind, value }, backend: `${kind} ${value}`, choices: [], owner: 'default/x' };
}

const shop: HostMatch = { kind: 'exact', name: 'shop.test' };
const any: HostMatch = { kind: 'any' };

const ROUTES = [
  route(shop, 'prefix', '/api'),
  route(shop, 'prefix', '/api/old'),
  route(shop, 'exact', '/api'),
  route(shop, 'regex', '/api/v[0-9]+'),
  route({ kind: 'wildcard', parent: 'shop.test' }, 'prefix', '/wild'),
  route(any, 'prefix', ''),
];

describe('the route of a request', () => {
  it.each([
    ['shop.test', '/api', 'exact /api'],
    ['SHOP.test.', '/api/', 'prefix /api'],
    ['shop.test', '/api/old/x', 'prefix /api/old'],
    ['shop.test', '//api//older', 'prefix /api'],
    ['shop.test', '/API/v2/x', 'regex /api/v[0-9]+'],
    ['shop.test', '/api%2Fold', 'prefix /api/old'],
    ['a.shop.test', '/wild/x', 'prefix /wild'],
    ['a.b.shop.test', '/wild/x', 'prefix '],
    ['shop.test', '/wild', 'prefix '],
    ['shop.test', '/other', 'prefix '],
  ])('for host %s and path %s is %s', (host, path, expected) => {
    expect(matchRoute(ROUTES, host, path)?.backend).toBe(expected);
  });

  it('is none where the path leads upwards, as the proxy refuses that', () => {
    expect(matchRoute(ROUTES, 'shop.test', '/api/../x')).toBeUndefined();
  });
});
