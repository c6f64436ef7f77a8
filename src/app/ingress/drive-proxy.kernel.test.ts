import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { silentLogger } from '../../base/log.ts';
import type { Ingress } from '../../core/kube/types.ts';
import { openHaproxy } from '../../host/haproxy/haproxy.ts';
import { selfSignedCertificate } from './certificate.ts';
import { ProxyDriver } from './drive-proxy.ts';
import { ask, certificateFor, enterNetwork, ingress, PROXY } from './rig.test-support.ts';

const allowed = enterNetwork();

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
    ingresses: ingresses.map((each) => ({ ...each, spec: { ...each.spec, ingressClassName: '' } })) as Ingress[],
    classes: [],
    services: new Map(),
    slices: new Map(),
    secrets: new Map([2, 7].map((index) => [`n${index}/weak`, secret])),
    // Takes everything: it is HAProxy's own refusal that is wanted.
    inspectCertificate: () => ({ names: [] }),
    withoutClass: true,
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
