import { expect } from 'vitest';
import { certificateFor } from '../../../src/app/ingress/rig.test-support.ts';
import { gateway, http, https, prefix, route, to, V1, V2, V3 } from './cases.ts';
import type { Cases } from './cases.ts';

const only = (sectionName: string) => ({ parentRefs: [{ name: 'edge', sectionName }] });

/** Which listener a request is for, and which hosts of it. */
export const HOSTS: Cases = {
  HTTPRouteListenerHostnameMatching: async (rig) => {
    await rig.apply(
      gateway([
        http('one', { hostname: 'bar.com' }),
        http('two', { hostname: 'foo.bar.com' }),
        http('three', { hostname: '*.bar.com' }),
        http('four', { hostname: '*.foo.com' }),
      ]),
      route('r1', [to('v1')], only('one')),
      route('r2', [to('v2')], only('two')),
      route('r3', [to('v3')], {
        parentRefs: [
          { name: 'edge', sectionName: 'three' },
          { name: 'edge', sectionName: 'four' },
        ],
      }),
    );
    await rig.expect(
      ['bar.com', '/', V1],
      ['foo.bar.com', '/', V2],
      ['baz.bar.com', '/', V3],
      ['boo.bar.com', '/', V3],
      ['multiple.prefixes.bar.com', '/', V3],
      ['multiple.prefixes.foo.com', '/', V3],
      ['foo.com', '/', 404],
      ['no.matching.host', '/', 404],
    );
  },

  HTTPRouteHostnamePrecedence: async (rig) => {
    // The one without a hostname is the older one, and the first by name.
    await rig.apply(gateway(), route('a-any', [to('v1', [prefix('/same')])]));
    await rig.expect(['named.test', '/same', V1]);
    await rig.apply(route('b-named', [to('v2', [prefix('/same')])], { hostnames: ['named.test'] }));
    await rig.expect(['named.test', '/same', V2], ['other.test', '/same', V1]);
    await rig.expectCondition('HTTPRoute', 'a-any', 'ResolvedRefs', 'True');
    await rig.expectCondition('HTTPRoute', 'b-named', 'ResolvedRefs', 'True');
  },

  HTTPRouteMultipleRoutesAttachmentSameHostnameIntersection: async (rig) => {
    // Both are for the same host here; what they say themselves decides, not their age, nor their names.
    await rig.apply(
      gateway([http('exact', { hostname: 'abc.example.com' }), http('wildcard', { hostname: '*.example.org' })]),
      route('a-older', [to('v1')], { hostnames: ['*.example.com', '*.org'] }),
    );
    await rig.expect(['abc.example.com', '/', V1], ['abc.example.org', '/', V1]);
    await rig.apply(route('b-newer', [to('v2')], { hostnames: ['abc.example.com', '*.example.org'] }));
    await rig.expect(['abc.example.com', '/', V2], ['abc.example.org', '/', V2]);
    await rig.expectCondition('HTTPRoute', 'a-older', 'ResolvedRefs', 'True');
  },

  HTTPRouteHostnameIntersection: async (rig) => {
    await rig.apply(
      gateway([
        http('one', { hostname: 'very.specific.com' }),
        http('two', { hostname: '*.wildcard.io' }),
        http('three', { hostname: '*.anotherwildcard.io' }),
      ]),
      route('s1', [to('v1', [prefix('/s1')])], {
        hostnames: ['non.matching.com', '*.nonmatchingwildcard.io', 'very.specific.com'],
      }),
      route('s2', [to('v2', [prefix('/s2')])], {
        hostnames: ['non.matching.com', 'wildcard.io', 'foo.wildcard.io', 'bar.wildcard.io', 'foo.bar.wildcard.io'],
      }),
      route('s3', [to('v3', [prefix('/s3')])], { hostnames: ['non.matching.com', '*.specific.com'] }),
      route('s4', [to('v1', [prefix('/s4')])], { hostnames: ['*.anotherwildcard.io'] }),
      route('s5', [to('v2', [prefix('/s5')])], { hostnames: ['specific.but.wrong.com', 'wildcard.io'] }),
    );
    await rig.expect(
      ['very.specific.com', '/s1', V1],
      ['very.specific.com:1234', '/s1', V1],
      ['non.matching.com', '/s1', 404],
      ['foo.nonmatchingwildcard.io', '/s1', 404],
      ['foo.wildcard.io', '/s1', 404],
      ['very.specific.com', '/non-matching-prefix', 404],
      ['foo.wildcard.io', '/s2', V2],
      ['bar.wildcard.io', '/s2', V2],
      ['foo.bar.wildcard.io', '/s2', V2],
      ['wildcard.io', '/s2', 404],
      ['very.specific.com', '/s2', 404],
      ['very.specific.com', '/s3', V3],
      ['foo.specific.com', '/s3', 404],
      ['foo.wildcard.io', '/s3', 404],
      ['foo.anotherwildcard.io', '/s4', V1],
      ['foo.bar.anotherwildcard.io', '/s4', V1],
      ['anotherwildcard.io', '/s4', 404],
      ['specific.but.wrong.com', '/s5', 404],
      ['wildcard.io', '/s5', 404],
    );
    await rig.expectCondition('HTTPRoute', 's5', 'Accepted', 'NoMatchingListenerHostname');
    const attached = async () =>
      (await rig.get('Gateway', 'edge')).status?.listeners?.map(({ attachedRoutes }) => attachedRoutes);
    await expect.poll(attached).toEqual([2, 1, 1]);
  },

  GatewayHTTPListenerIsolation: async (rig) => {
    const hosts = ['', '*.example.com', '*.foo.example.com', 'abc.foo.example.com'];
    await rig.apply(
      gateway(hosts.map((hostname, index) => http(`l${index}`, hostname === '' ? {} : { hostname }))),
      ...hosts.map((_, index) => route(`r${index}`, [to('v1', [prefix(`/l${index}`)])], only(`l${index}`))),
    );
    for (const [own, host] of ['bar.com', 'bar.example.com', 'bar.foo.example.com', 'abc.foo.example.com'].entries())
      for (const other of hosts.keys()) await rig.expect([host, `/l${other}`, own === other ? V1 : 404]);
  },

  HTTPRouteHTTPSListener: async (rig) => {
    await rig.apply(
      { kind: 'Secret', metadata: { name: 'tls' }, data: await certificateFor('example.org') },
      gateway([https('tls', { name: 'all' }), https('tls', { name: 'second', hostname: 'second-example.org' })]),
      route('first', [to('v1')], { ...only('all'), hostnames: ['example.org'] }),
      route('second', [to('v2')], only('second')),
    );
    const tls = { tls: true };
    const answer = await rig.expect(
      ['second-example.org', '/', V2, tls],
      ['unknown-example.org', '/', 404, tls],
      // The client is at the listener whose name it gave in its TLS.
      ['unknown-example.org', '/', 404, { tls: true, headers: { host: 'second-example.org' } }],
      ['example.org', '/', V1, tls],
    );
    expect(answer.certificate).toBe('example.org');
    await rig.expect(['example.org', '/', 404]);
  },

  HTTPRouteCrossNamespace: async (rig) => {
    await rig.apply(
      gateway([http('http', { allowedRoutes: { namespaces: { from: 'All' } } })]),
      route('cross', [to('web')], {}, 'web'),
    );
    await rig.expectCondition('HTTPRoute', 'cross', 'Accepted', 'True', 'web');
    await rig.expect(['any.example.test', '/', '10.61.0.4']);
  },
};
