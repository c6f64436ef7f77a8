import { describe, expect, it } from 'vitest';
import type { Ingress } from '../kube/types.ts';
import { CONTROLLER } from './class.ts';
import { deriveIngress } from './derive.ts';
import { hostText } from './model.ts';
import type { IngressModel } from './model.ts';
import { renderIngress } from './render.ts';
import { FILES } from './render-options.ts';
import type { IngressWorld } from './world.ts';

const OPTIONS = {
  folder: '/f',
  addresses: ['::'],
  httpPort: 80,
  httpsPort: 443,
  statusPort: 1,
  acceptProxy: true,
  defaultCertificate: '',
};

interface Given {
  readonly name?: string;
  readonly created?: string;
  readonly annotations?: Record<string, string>;
  readonly className?: string;
  readonly spec?: object;
}

function ingress({ name = 'a', created = '2026-01-01T00:00:00Z', annotations = {}, className, spec }: Given): Ingress {
  const rules = [{ host: 'h.test', http: { paths: [{ path: '/p', pathType: 'Prefix', backend: backendOf('web') }] } }];
  const metadata = { name, namespace: 'n', creationTimestamp: created, annotations };
  return {
    metadata,
    spec: { ...(className === undefined ? {} : { ingressClassName: className }), rules, ...spec },
  } as Ingress;
}

function backendOf(name: string, port: object = { number: 80 }): object {
  return { service: { name, port } };
}

function derive(ingresses: readonly Ingress[], more: Partial<IngressWorld> = {}): IngressModel {
  return deriveIngress({
    ingresses,
    classes: [],
    services: new Map([['n/web', { spec: { ports: [{ name: 'http', port: 80 }] } }]]),
    slices: new Map(),
    secrets: new Map(),
    inspectCertificate: () => ({ names: ['h.test'] }),
    withoutClass: true,
    rejected: new Map(),
    ...more,
  });
}

const reasons = ({ remarks }: IngressModel): string[] => remarks.map(({ owner, reason }) => `${owner} ${reason}`);
const table = ({ routes }: IngressModel): string[] =>
  routes.map(({ host, path, backend }) => `${hostText(host)} ${path.kind} ${path.value} ${backend}`);

describe('requests without TLS for a host that has it', () => {
  const spec = { tls: [{ hosts: ['h.test'], secretName: 's' }] };
  const isSentToTls = (annotations: Record<string, string>, more: Partial<IngressWorld> = {}): boolean =>
    derive([ingress({ spec, annotations })], more).backends[0]?.settings.toHttps === true;
  const annotation = (value: string) => ({ 'nginx.ingress.kubernetes.io/ssl-redirect': value });

  it('are sent to TLS, unless the setting or the annotation of the Ingress says otherwise', () => {
    expect(isSentToTls({})).toBe(true);
    expect(isSentToTls(annotation('false'))).toBe(false);
    expect(isSentToTls({}, { redirectToTls: false })).toBe(false);
    expect(isSentToTls(annotation('true'), { redirectToTls: false })).toBe(true);
  });
});

describe('which Ingresses are ours', () => {
  const classes = [
    { metadata: { name: 'ours' }, spec: { controller: CONTROLLER } },
    { metadata: { name: 'theirs' }, spec: { controller: 'example.org/other' } },
  ];
  const defaultClass = {
    metadata: { name: 'd', annotations: { 'ingressclass.kubernetes.io/is-default-class': 'true' } },
    spec: { controller: CONTROLLER },
  };
  const owned = (given: Given, withDefault = false): number =>
    derive([ingress(given)], { withoutClass: false, classes: withDefault ? [...classes, defaultClass] : classes }).owned
      .length;

  it('those of a class with our controller, by field or by the old annotation', () => {
    expect(owned({ className: 'ours' })).toBe(1);
    expect(owned({ annotations: { 'kubernetes.io/ingress.class': 'ours' } })).toBe(1);
    expect(owned({ className: 'theirs' }, true)).toBe(0);
    expect(owned({ className: 'nobody' }, true)).toBe(0);
  });

  it('those without a class when the default class is ours', () => {
    expect(owned({})).toBe(0);
    expect(owned({}, true)).toBe(1);
  });
});

describe('what several Ingresses want', () => {
  it('gives a host and path to the older one, in whichever order they come, and tells the other', () => {
    const old = ingress({ name: 'z', created: '2025-01-01T00:00:00Z' });
    const young = ingress({ name: 'a' });
    for (const order of [
      [old, young],
      [young, old],
    ]) {
      const model = derive(order);
      expect(table(model)).toEqual(['h.test prefix /p n_z_web_80']);
      expect(reasons(model)).toEqual(['n/a PathClaimed']);
    }
  });

  it('lets an explicit rule for everything come before a default backend', () => {
    const standard = ingress({
      name: 'd',
      created: '2025-01-01T00:00:00Z',
      spec: { rules: [], defaultBackend: backendOf('web') },
    });
    const explicit = ingress({
      spec: {
        rules: [{ http: { paths: [{ path: '/', pathType: 'Prefix', backend: backendOf('web', { name: 'http' }) }] } }],
      },
    });
    expect(table(derive([standard, explicit]))).toEqual([' prefix  n_a_web_http']);
  });
});

describe('what is wrong with one Ingress', () => {
  const good = ingress({
    name: 'good',
    spec: {
      rules: [{ host: 'good.test', http: { paths: [{ path: '/', pathType: 'Exact', backend: backendOf('web') }] } }],
    },
  });
  const bad = (given: Given): IngressModel => derive([ingress({ name: 'bad', ...given }), good]);

  it.each([
    [{ 'nginx.ingress.kubernetes.io/upstream-vhost': 'x\r\nbackend evil' }, 'InvalidAnnotation'],
    [{ 'nginx.ingress.kubernetes.io/rewrite-target': '/x\n  http-request deny' }, 'InvalidAnnotation'],
    [{ 'nginx.ingress.kubernetes.io/auth-url': 'http://auth' }, 'InvalidAnnotation'],
    [{ 'nginx.ingress.kubernetes.io/configuration-snippet': 'deny all;\n' }, 'InvalidAnnotation'],
    [{ 'nginx.ingress.kubernetes.io/whitelist-source-range': '10.0.0.0/8, x' }, 'InvalidAnnotation'],
    [
      { 'nginx.ingress.kubernetes.io/auth-type': 'basic', 'nginx.ingress.kubernetes.io/auth-secret': 'o/s' },
      'InvalidAnnotation',
    ],
  ])('refuses %j, keeps its requests from others, and serves the rest', (annotations, reason) => {
    const model = bad({ annotations });
    expect(reasons(model)).toEqual([`n/bad ${reason}`]);
    expect(table(model)).toEqual(['h.test prefix /p refused', 'good.test exact / n_good_web_80']);
  });

  it('says of a cookie what its name may be made of', () => {
    const { remarks } = bad({ annotations: { 'nginx.ingress.kubernetes.io/session-cookie-name': 'a b;c' } });
    expect(remarks.map(({ message }) => message)).toEqual([
      "annotation nginx.ingress.kubernetes.io/session-cookie-name must be one word, of letters, digits and !#$%&'*+.^_`|~- alone",
    ]);
  });

  it('refuses a resource backend by its name', () => {
    const resource = { apiGroup: 'x.test', kind: 'Bucket', name: 'b' };
    const { remarks } = bad({ spec: { rules: [], defaultBackend: { resource } } });
    expect(remarks).toMatchObject([
      { reason: 'ResourceBackend', message: expect.stringContaining('Bucket b') as string },
    ]);
  });

  const rule = (path: string, backend: object, pathType = 'ImplementationSpecific'): object => ({
    rules: [{ host: 'h.test', http: { paths: [{ path, pathType, backend }] } }],
  });
  const resource = { resource: { kind: 'Bucket', name: 'b' } };
  const regex = { 'nginx.ingress.kubernetes.io/use-regex': 'true' };
  it.each([
    ['a path with a resource backend', rule('/p', resource, 'Exact'), {}, ['h.test exact /p']],
    ['paths under it', rule('/p', resource, 'Prefix'), {}, ['h.test prefix /p']],
    [
      'everything that such a default backend would have',
      { defaultBackend: resource },
      {},
      ['h.test prefix /p', 'h.test prefix ', ' prefix '],
    ],
    ['what an expression begins with', rule('^/shop/v1(', backendOf('web')), regex, ['h.test prefix /shop']],
    ['what one without end begins with', rule('/shop/x/(a+)+$', backendOf('web')), regex, ['h.test prefix /shop/x']],
    [
      'the whole host where it could begin with anything',
      rule('/a/b|/c(', backendOf('web')),
      regex,
      ['h.test prefix '],
    ],
    ['nothing but the host for one that is no path', rule('x\n/y(', backendOf('web')), regex, ['h.test prefix ']],
    ['of a path that no request has nothing', rule('/a//b', backendOf('web')), {}, []],
  ])('keeps from others: %s', (_, spec, annotations, kept) => {
    const model = bad({ spec, annotations });
    expect(model.remarks.map(({ severity }) => severity)).toEqual(['refused']);
    expect(
      table(model)
        .filter((row) => !row.startsWith('good.test'))
        .sort(),
    ).toEqual(kept.map((claim) => `${claim} refused`).sort());
  });

  it('keeps nothing from others that they have a rule of their own for, where it may not be meant', () => {
    const broken = { spec: rule('/(a+)+', backendOf('web')), annotations: regex, created: '2020-01-01T00:00:00Z' };
    const whole = ingress({ name: 'whole', spec: rule('/', backendOf('web'), 'Prefix') });
    const model = derive([ingress({ name: 'bad', ...broken }), whole]);
    expect(table(model)).toEqual(['h.test prefix  n_whole_web_80']);
    expect(reasons(model)).toEqual(['n/bad InvalidPath']);
  });

  it('answers 503 for a Service that is gone, on that path alone', () => {
    const model = bad({
      spec: { rules: [{ http: { paths: [{ path: '/g', pathType: 'Prefix', backend: backendOf('gone') }] } }] },
    });
    expect(reasons(model)).toEqual(['n/bad BackendMissing']);
    expect(model.backends.find(({ owner }) => owner === 'n/bad')?.endpoints).toEqual([]);
  });
});

it('writes no line that HAProxy would cut, however many addresses a list has', () => {
  const cidrs = Array.from({ length: 500 }, (_, index) => `10.${index >> 8}.${index & 255}.0/24`).join(',');
  const model = derive([ingress({ annotations: { 'nginx.ingress.kubernetes.io/whitelist-source-range': cidrs } })]);
  const lines = renderIngress(model, OPTIONS).files.get(FILES.config)!.split('\n');
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(2048);
  expect(Math.max(...lines.map((line) => line.trim().split(/\s+/).length))).toBeLessThan(64);
});
