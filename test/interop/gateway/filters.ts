import { expect } from 'vitest';
import { ask, certificateFor } from '../../../src/app/ingress/rig.test-support.ts';
import type { Answer, Asking } from '../../../src/app/ingress/rig.test-support.ts';
import { gateway, http, https, prefix, route, to, V1 } from './cases.ts';
import type { Cases, Fields } from './cases.ts';

const HOST = 'any.example.test';

const redirect = (path: string, requestRedirect: Fields): Fields => ({
  matches: [prefix(path)],
  filters: [{ type: 'RequestRedirect', requestRedirect }],
});

const rewrite = (path: string, urlRewrite: Fields, more: readonly Fields[] = []): Fields =>
  to('v1', [prefix(path)], { filters: [{ type: 'URLRewrite', urlRewrite }, ...more] });

/** Waits until the answer is like that: the configuration of an earlier test may still be in force. */
async function until(path: string, expected: object, asking?: Asking): Promise<Answer> {
  let answer: Answer | undefined;
  await expect
    .poll(async () => (answer = await ask(HOST, path, asking).catch(() => undefined)))
    .toMatchObject(expected);
  return answer!;
}

async function expectRedirects(
  all: readonly (readonly [path: string, status: number, location: string])[],
  asking: Asking = {},
): Promise<void> {
  for (const [path, status, location] of all) await until(path, { status, headers: { location } }, asking);
}

const CHANGES = {
  set: [{ name: 'X-Header-Set', value: 'set-overwrites-values' }],
  add: [{ name: 'X-Header-Add', value: 'add  appends "values" 100%' }],
  remove: ['X-Header-Remove'],
};

/** Another status than 301 and 302, alone and with all else that a redirect may say. */
const redirectWith =
  (statusCode: number): Cases[string] =>
  async (rig) => {
    await rig.apply(
      gateway(),
      route('status', [
        redirect('/status', { statusCode }),
        redirect('/all', { statusCode, scheme: 'https', hostname: 'example.org' }),
      ]),
    );
    await expectRedirects([
      ['/status', statusCode, `http://${HOST}/status`],
      ['/all', statusCode, 'https://example.org/all'],
    ]);
  };

/** What is done to requests and answers on their way. */
export const FILTERS: Cases = {
  HTTPRoute303Redirect: redirectWith(303),
  HTTPRoute307Redirect: redirectWith(307),
  HTTPRoute308Redirect: redirectWith(308),

  HTTPRouteRequestHeaderModifier: async (rig) => {
    const filters = [{ type: 'RequestHeaderModifier', requestHeaderModifier: CHANGES }];
    await rig.apply(gateway(), route('headers', [to('v1', undefined, { filters })]));
    const headers = { 'x-header-set': 'old', 'x-header-add': 'old', 'x-header-remove': 'old', 'x-other': 'kept' };
    const { seen } = await until(
      '/',
      {
        seen: {
          'x-header-set': 'set-overwrites-values',
          'x-header-add': 'old, add  appends "values" 100%',
          'x-other': 'kept',
        },
      },
      { headers },
    );
    expect(seen).not.toHaveProperty('x-header-remove');
  },

  HTTPRouteBackendRequestHeaderModifier: async (rig) => {
    const filters = [{ type: 'RequestHeaderModifier', requestHeaderModifier: CHANGES }];
    const rule = { backendRefs: [{ name: 'v1', port: 8080, filters }] };
    await rig.apply(gateway(), route('headers', [rule]));
    const headers = { 'x-header-set': 'old' };
    await until('/', { server: V1, seen: { 'x-header-set': 'set-overwrites-values' } }, { headers });
  },

  HTTPRouteResponseHeaderModifier: async (rig) => {
    const responseHeaderModifier = { ...CHANGES, remove: ['Keep-Alive'] };
    const filters = [{ type: 'ResponseHeaderModifier', responseHeaderModifier }];
    await rig.apply(gateway(), route('headers', [to('v1', undefined, { filters })]));
    const { headers } = await until('/', {
      headers: { 'x-header-set': 'set-overwrites-values', 'x-header-add': 'add  appends "values" 100%' },
    });
    expect(headers).not.toHaveProperty('keep-alive');
  },

  HTTPRouteRedirectHostAndStatus: async (rig) => {
    await rig.apply(
      gateway(),
      route('redirect', [
        redirect('/hostname', { hostname: 'example.org' }),
        redirect('/status', { hostname: 'example.org', statusCode: 301 }),
        redirect('/see-other', { statusCode: 303 }),
      ]),
    );
    await expectRedirects([
      ['/hostname/x?y=z', 302, 'http://example.org/hostname/x?y=z'],
      ['/status', 301, 'http://example.org/status'],
      ['/see-other', 303, `http://${HOST}/see-other`],
    ]);
    await rig.expectCondition('HTTPRoute', 'redirect', 'ResolvedRefs', 'True');
  },

  HTTPRouteRedirectPath: async (rig) => {
    const replaced = (replacePrefixMatch: string) => ({ type: 'ReplacePrefixMatch', replacePrefixMatch });
    const full = { type: 'ReplaceFullPath', replaceFullPath: '/replacement-full' };
    await rig.apply(
      gateway(),
      route('path', [
        redirect('/original-prefix', { path: replaced('/replacement-prefix') }),
        redirect('/strip', { path: replaced('/') }),
        redirect('/full', { path: full }),
        redirect('/both', { hostname: 'example.org', statusCode: 301, path: full }),
      ]),
    );
    await expectRedirects([
      ['/original-prefix/lemon', 302, `http://${HOST}/replacement-prefix/lemon`],
      ['/original-prefix', 302, `http://${HOST}/replacement-prefix`],
      ['/strip/a/b', 302, `http://${HOST}/a/b`],
      ['/full/path/original', 302, `http://${HOST}/replacement-full`],
      ['/both?q', 301, 'http://example.org/replacement-full?q'],
    ]);
  },

  HTTPRouteRedirectPort: async (rig) => {
    await rig.apply(
      gateway(),
      route('port', [
        redirect('/port', { port: 8083 }),
        redirect('/all', { hostname: 'example.org', port: 8083, statusCode: 301 }),
      ]),
    );
    await expectRedirects([
      ['/port', 302, `http://${HOST}:8083/port`],
      ['/all', 301, 'http://example.org:8083/all'],
    ]);
  },

  HTTPRouteRedirectScheme: async (rig) => {
    await rig.apply(
      gateway(),
      route('scheme', [
        redirect('/scheme', { scheme: 'https' }),
        redirect('/all', { scheme: 'https', hostname: 'example.org', statusCode: 301 }),
      ]),
    );
    await expectRedirects([
      ['/scheme', 302, `https://${HOST}/scheme`],
      ['/all', 301, 'https://example.org/all'],
    ]);
  },

  HTTPRouteRedirectPortAndScheme: async (rig) => {
    await rig.apply(
      { kind: 'Secret', metadata: { name: 'tls' }, data: await certificateFor(HOST) },
      gateway([http(), http('more', { port: 8088 }), https('tls')]),
      route('all', [
        redirect('/nil-nil', {}),
        redirect('/nil-80', { port: 80 }),
        redirect('/nil-443', { port: 443 }),
        redirect('/nil-8443', { port: 8443 }),
        redirect('/http-nil', { scheme: 'http' }),
        redirect('/https-nil', { scheme: 'https' }),
        redirect('/https-443', { scheme: 'https', port: 443 }),
        redirect('/https-8443', { scheme: 'https', port: 8443 }),
      ]),
    );
    const at = (port: string, path: string) => [`/${path}`, 302, `${port}/${path}`] as const;
    await expectRedirects([
      at(`http://${HOST}`, 'nil-nil'),
      at(`http://${HOST}`, 'nil-80'),
      at(`http://${HOST}:8443`, 'nil-8443'),
      at(`https://${HOST}`, 'https-nil'),
      at(`https://${HOST}`, 'https-443'),
      at(`https://${HOST}:8443`, 'https-8443'),
    ]);
    await expectRedirects(
      [at(`http://${HOST}:8088`, 'nil-nil'), at(`http://${HOST}`, 'nil-80'), at(`https://${HOST}`, 'https-nil')],
      { port: 8088 },
    );
    await expectRedirects(
      [at(`https://${HOST}`, 'nil-nil'), at(`https://${HOST}`, 'nil-443'), at(`http://${HOST}`, 'http-nil')],
      { tls: true },
    );
  },

  HTTPRouteRewriteHost: async (rig) => {
    await rig.apply(gateway(), route('host', [rewrite('/one', { hostname: 'one.example.org' })]));
    await until('/one', { seen: { host: 'one.example.org', 'x-forwarded-host': HOST } });
  },

  HTTPRouteRewritePath: async (rig) => {
    const replaced = (replacePrefixMatch: string) => ({ path: { type: 'ReplacePrefixMatch', replacePrefixMatch } });
    const modifier = { type: 'RequestHeaderModifier', requestHeaderModifier: CHANGES };
    await rig.apply(
      gateway(),
      route('path', [
        rewrite('/prefix/one', replaced('/one')),
        rewrite('/strip', replaced('/')),
        rewrite('/a.bé', replaced('/c')),
        rewrite('/full', { path: { type: 'ReplaceFullPath', replaceFullPath: '/one' } }),
        rewrite('/headers', replaced('/prefix'), [modifier]),
        rewrite('/', replaced('/root')),
      ]),
    );
    const table = [
      ['/prefix/one/two?x=/y', '/one/two?x=/y'],
      ['/prefix/one', '/one'],
      ['/prefix/one/', '/one/'],
      ['/strip', '/'],
      ['/strip/', '/'],
      ['/strip/two', '/two'],
      // The same path, written in other ways.
      ['/%70refix//on%65/two', '/one/two'],
      ['/a%2Eb%c3%A9/d%20e', '/c/d%20e'],
      ['/axb%c3%A9/d', '/root/axb%c3%A9/d'],
      ['/full/one/two?q', '/one?q'],
      ['/headers/one', '/prefix/one'],
      ['/other', '/root/other'],
    ] as const;
    for (const [asked, path] of table) await until(asked, { server: V1, path });
  },

  HTTPRouteTimeoutRequest: async (rig) => {
    await rig.slow('slow');
    await rig.apply(
      gateway(),
      route('timeout', [
        to('slow', [prefix('/short')], { timeouts: { request: '500ms' } }),
        to('v1', [prefix('/none')], { timeouts: { request: '0s' } }),
      ]),
    );
    await rig.expect([HOST, '/short', 504], [HOST, '/none', V1]);
  },

  HTTPRouteTimeoutBackendRequest: async (rig) => {
    await rig.slow('slow');
    await rig.apply(
      gateway(),
      route('timeout', [to('slow', undefined, { timeouts: { request: '10m', backendRequest: '500ms' } })]),
    );
    await rig.expect([HOST, '/', 504]);
  },
};
