import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { certificateFor, enterNetwork, ingress, SOON, startRig } from './rig.test-support.ts';
import type { IngressRig } from './rig.test-support.ts';

const allowed = enterNetwork();

/** Services and their only servers. */
const SERVERS = {
  'foo-exact': '10.66.0.1',
  'foo-prefix': '10.66.0.2',
  'aaa-slash-bbb-prefix': '10.66.0.3',
  'aaa-prefix': '10.66.0.4',
  'aaa-slash-bbb-slash-prefix': '10.66.0.5',
  'foo-slash-exact': '10.66.0.6',
  'wildcard-foo-com': '10.66.0.7',
  'foo-bar-com': '10.66.0.8',
  echo: '10.66.0.9',
} as const;

const PATH_RULES = [
  ['exact-path-rules', '/foo', 'Exact', 'foo-exact'],
  ['prefix-path-rules', '/foo', 'Prefix', 'foo-prefix'],
  ['prefix-path-rules', '/aaa/bbb', 'Prefix', 'aaa-slash-bbb-prefix'],
  ['prefix-path-rules', '/aaa', 'Prefix', 'aaa-prefix'],
  ['mixed-path-rules', '/foo', 'Prefix', 'foo-prefix'],
  ['mixed-path-rules', '/foo', 'Exact', 'foo-exact'],
  ['trailing-slash-path-rules', '/aaa/bbb/', 'Prefix', 'aaa-slash-bbb-slash-prefix'],
  ['trailing-slash-path-rules', '/foo/', 'Exact', 'foo-slash-exact'],
] as const;

const HOST_RULES = [
  ['*.foo.com', '/', 'Prefix', 'wildcard-foo-com'],
  ['foo.bar.com', '/', 'Prefix', 'foo-bar-com'],
] as const;

type Expected = keyof typeof SERVERS | 404;

/** The scenarios of the published features path_rules, and who must answer. */
const PATHS: readonly (readonly [name: string, host: string, path: string, expected: Expected])[] = [
  ['exact /foo takes /foo', 'exact-path-rules', '/foo', 'foo-exact'],
  ['exact /foo does not take /foo/', 'exact-path-rules', '/foo/', 404],
  ['exact /foo does not take /FOO', 'exact-path-rules', '/FOO', 404],
  ['exact /foo does not take /bar', 'exact-path-rules', '/bar', 404],
  ['prefix /foo takes /foo', 'prefix-path-rules', '/foo', 'foo-prefix'],
  ['prefix /foo takes /foo/', 'prefix-path-rules', '/foo/', 'foo-prefix'],
  ['prefix /foo does not take /FOO', 'prefix-path-rules', '/FOO', 404],
  ['prefix /aaa/bbb takes /aaa/bbb, being the longest', 'prefix-path-rules', '/aaa/bbb', 'aaa-slash-bbb-prefix'],
  ['prefix /aaa/bbb takes what is below it', 'prefix-path-rules', '/aaa/bbb/ccc', 'aaa-slash-bbb-prefix'],
  ['prefix /aaa takes /aaa/ccc', 'prefix-path-rules', '/aaa/ccc', 'aaa-prefix'],
  ['prefix /aaa does not take /aaaccc', 'prefix-path-rules', '/aaaccc', 404],
  ['exact /foo comes before prefix /foo', 'mixed-path-rules', '/foo', 'foo-exact'],
  ['prefix /aaa/bbb/ takes /aaa/bbb', 'trailing-slash-path-rules', '/aaa/bbb', 'aaa-slash-bbb-slash-prefix'],
  ['prefix /aaa/bbb/ takes /aaa/bbb/', 'trailing-slash-path-rules', '/aaa/bbb/', 'aaa-slash-bbb-slash-prefix'],
  ['exact /foo/ does not take /foo', 'trailing-slash-path-rules', '/foo', 404],
];

/** Those of host_rules. */
const HOSTS: readonly (readonly [name: string, host: string, expected: Expected])[] = [
  ['host foo.bar.com does not take subdomain.bar.com', 'subdomain.bar.com', 404],
  ['host *.foo.com takes bar.foo.com', 'bar.foo.com', 'wildcard-foo-com'],
  ['host *.foo.com does not take two labels', 'baz.bar.foo.com', 404],
  ['host *.foo.com does not take none', 'foo.com', 404],
];

/** Those of default_backend. */
const REQUESTS: readonly (readonly [method: string, host: string, path: string])[] = [
  ['GET', 'my-host', '/'],
  ['GET', 'my-host', '/sub-path'],
  ['POST', 'some-host', '/'],
  ['PUT', '', '/resource'],
  ['DELETE', 'some-host', '/resource'],
  ['PATCH', 'my-host', '/resource'],
];

describe.runIf(allowed)('the published conformance features of Ingress', () => {
  let rig: IngressRig;

  beforeAll(async () => {
    // As in the conformance runs of others: one scenario asks without TLS for a host that has it.
    rig = await startRig({ SLUICE_INGRESS_SSL_REDIRECT: 'false' });
    for (const [name, address] of Object.entries(SERVERS)) await rig.service(name, [address]);
  }, 120_000);
  afterAll(() => rig?.[Symbol.asyncDispose]());

  async function expectAnswer(host: string, path: string, expected: Expected): Promise<void> {
    const answer = await rig.ask(host, path);
    if (expected === 404) expect(answer.status).toBe(404);
    else expect(answer).toMatchObject({ status: 200, server: SERVERS[expected], path, seen: { host } });
  }

  describe('path rules', () => {
    it('show where they are served', async () => {
      await rig.apply('Ingress', ingress('path-rules', PATH_RULES));
      await expect.poll(() => rig.status('path-rules'), SOON).toEqual({ loadBalancer: { ingress: [ADDRESS] } });
      await rig.until('exact-path-rules', '/foo', SERVERS['foo-exact']);
    });
    it.each(PATHS)('%s', async (_, host, path, expected) => expectAnswer(host, path, expected));
  });

  describe('host rules', () => {
    it('show where they are served, and prove with TLS who they are', async () => {
      await rig.apply('Secret', { metadata: { name: 'conformance-tls' }, data: await certificateFor('foo.bar.com') });
      const tls = [{ hosts: ['foo.bar.com'], secretName: 'conformance-tls' }];
      await rig.apply('Ingress', ingress('host-rules', HOST_RULES, { tls }));
      await expect.poll(() => rig.status('host-rules'), SOON).toEqual({ loadBalancer: { ingress: [ADDRESS] } });
      const answer = await rig.until('foo.bar.com', '/', SERVERS['foo-bar-com'], { tls: true });
      expect(answer).toMatchObject({ certificate: 'foo.bar.com', seen: { host: 'foo.bar.com' } });
    });
    it('host foo.bar.com takes foo.bar.com, also without TLS', async () => {
      await expectAnswer('foo.bar.com', '/', 'foo-bar-com');
    });
    it.each(HOSTS)('%s', async (_, host, expected) => expectAnswer(host, '/', expected));
  });

  it('a class that does not exist is nobody’s: no address, no traffic', async () => {
    const { metadata, spec } = ingress('ingress-class', [['ingress-class', '/', 'Prefix', 'echo']]) as {
      metadata: object;
      spec: object;
    };
    await rig.apply('Ingress', { metadata, spec: { ...spec, ingressClassName: 'some-invalid-class-name' } });
    // Later, and served: so the other has been seen.
    await rig.apply('Ingress', ingress('after', [['after', '/', 'Prefix', 'echo']]));
    await rig.until('after', '/', SERVERS.echo);
    expect(await rig.status('ingress-class')).toBeUndefined();
    expect((await rig.ask('ingress-class', '/')).status).toBe(404);
  });

  describe('the default backend of an Ingress without rules', () => {
    it('shows where it is served', async () => {
      await rig.apply('Ingress', {
        metadata: { name: 'default-backend' },
        spec: { ingressClassName: 'sluice', defaultBackend: { service: { name: 'echo', port: { number: 80 } } } },
      });
      await expect.poll(() => rig.status('default-backend'), SOON).toEqual({ loadBalancer: { ingress: [ADDRESS] } });
      await rig.until('any-host', '/', SERVERS.echo);
    });
    it.each(REQUESTS)('takes %s of host "%s" and path %s', async (method, host, path) => {
      const headers = { 'user-agent': 'Go-http-client/1.1' };
      const answer = await rig.ask(host, path, { method, headers });
      expect(answer).toMatchObject({ status: 200, server: SERVERS.echo, method, path, version: '1.1', seen: headers });
      for (const name of ['content-length', 'content-type', 'date', 'server'])
        expect(answer.headers).toHaveProperty(name);
    });
    it('shares requests among all ten servers', async () => {
      const ten = Array.from({ length: 10 }, (_, index) => `10.66.1.${index + 1}`);
      await rig.service('echo', ten);
      const servers = async (): Promise<ReadonlySet<string>> => {
        const seen = new Set<string>();
        for (let count = 0; count < 100; count++) seen.add((await rig.ask('load-balancing', '/')).server);
        return seen;
      };
      await expect.poll(servers, SOON).toEqual(new Set(ten));
    });
  });
});

const ADDRESS = { ip: '203.0.113.7' };
