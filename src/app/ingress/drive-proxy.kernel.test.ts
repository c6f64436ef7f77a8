import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { silentLogger } from '../../base/log.ts';
import { GATEWAY_CONTROLLER } from '../../core/gateway/index.ts';
import type { HttpRoute } from '../../core/gateway/index.ts';
import type { Ingress } from '../../core/kube/types.ts';
import { openHaproxy } from '../../host/haproxy/haproxy.ts';
import type { Haproxy } from '../../host/haproxy/port.ts';
import { selfSignedCertificate } from './certificate.ts';
import { bareProxy, EMPTY_WORLD } from './bare-proxy.test-support.ts';
import { ProxyDriver } from './drive-proxy.ts';
import { ask, certificateFor, enterNetwork, ingress, PROXY } from './rig.test-support.ts';

const allowed = enterNetwork();

it.runIf(allowed)(
  'finds the HTTPRoutes that HAProxy refuses, whatever its reasons are, and serves all others',
  async () => {
    await using proxy = await bareProxy();
    const { haproxy } = proxy;
    // What engines of other versions refuse is not known: this one refuses a word.
    const strict: Haproxy = {
      folder: haproxy.folder,
      checkFolder: haproxy.checkFolder,
      check: (files) =>
        [...files.values()].some((text) => text.includes('never')) ? Promise.resolve('not that') : haproxy.check(files),
      load: (files) => haproxy.load(files),
      change: (changes, files) => haproxy.change(changes, files),
      stop: () => haproxy.stop(),
    };
    const driver = new ProxyDriver(proxy.options, { haproxy: strict, log: silentLogger });
    const filters = [{ type: 'RequestRedirect', requestRedirect: { hostname: 'there.test' } }];
    const route = (name: string, expression: string): HttpRoute => ({
      metadata: { name, namespace: 'shop' },
      spec: {
        parentRefs: [{ name: 'edge' }],
        hostnames: [`${name}.test`],
        rules: [
          { matches: [{ path: { type: 'RegularExpression', value: expression } }], filters },
          { matches: [{ path: { value: '/plain' } }], filters },
        ],
      },
    });
    const gateways = {
      classes: [{ metadata: { name: 'ours' }, spec: { controllerName: GATEWAY_CONTROLLER } }],
      gateways: [
        {
          metadata: { name: 'edge', namespace: 'shop' },
          spec: { gatewayClassName: 'ours', listeners: [{ name: 'http', port: 80, protocol: 'HTTP' }] },
        },
      ],
      routes: [route('a', '/x+'), route('b', '/never+'), route('c', '/y+')],
      grants: [],
      namespaces: new Map(),
      takenPorts: new Map(),
    };
    const { rejected } = await driver.apply({ ...EMPTY_WORLD, gateways });
    expect([...rejected]).toEqual([['HTTPRoute shop/b', 'not that']]);
    const answers = await Promise.all(['a', 'b', 'c'].map((name) => ask(`${name}.test`, '/plain')));
    expect(answers.map(({ status }) => status)).toEqual([302, 500, 302]);
  },
);

it.runIf(allowed)('finds the Ingresses that HAProxy itself refuses, and serves all others', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-ingress-'));
  const haproxy = openHaproxy({ folder });
  const standard = await selfSignedCertificate('default.test', Date.now());
  const driver = new ProxyDriver(
    {
      addresses: [PROXY],
      httpPort: 80,
      httpsPort: 443,
      statusPort: 10_254,
      acceptProxy: false,
      defaultCertificate: `${standard.certificate}\n${standard.key}`,
    },
    { haproxy, log: silentLogger },
  );
  const decode = (text = ''): string => Buffer.from(text, 'base64').toString();
  const weak = await certificateFor('weak.test', true);
  const secret = { certificate: decode(weak['tls.crt']), key: decode(weak['tls.key']) };
  const redirect = { 'nginx.ingress.kubernetes.io/permanent-redirect': 'http://there.test/' };
  const ingresses = Array.from({ length: 9 }, (_, index) => {
    const bad = index === 2 || index === 7;
    const tls = bad ? { tls: [{ hosts: [`h${index}.test`], secretName: 'weak' }] } : {};
    return ingress(`i${index}`, [[`h${index}.test`, '/', 'Prefix', 'none']], {
      annotations: redirect,
      namespace: `n${index}`,
      ...tls,
    }) as Ingress;
  });
  const world = {
    // Every certificate is taken: it is HAProxy's own refusal that is wanted.
    ...EMPTY_WORLD,
    ingresses: ingresses.map((each) => ({ ...each, spec: { ...each.spec, ingressClassName: '' } })) as Ingress[],
    secrets: new Map([2, 7].map((index) => [`n${index}/weak`, secret])),
  };
  try {
    const { model, outcome } = await driver.apply(world);
    expect(outcome).toBe('reloaded');
    const refused = model.remarks.filter(({ severity }) => severity === 'refused');
    expect(refused.map(({ owner, reason }) => [owner, reason])).toEqual([
      ['n2/i2', 'ProxyRefused'],
      ['n7/i7', 'ProxyRefused'],
    ]);
    expect(refused[0]!.message).toContain('unable to load SSL certificate');
    for (const index of ingresses.keys())
      expect((await ask(`h${index}.test`, '/')).status).toBe(index === 2 || index === 7 ? 503 : 301);
    expect((await driver.apply(world)).outcome).toBe('unchanged');
  } finally {
    await haproxy.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});
