import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deriveIngress, renderIngress } from '../../core/ingress/index.ts';
import type { IngressWorld, RenderOptions } from '../../core/ingress/index.ts';
import type { Ingress } from '../../core/kube/types.ts';
import { openHaproxy } from '../../host/haproxy/haproxy.ts';
import type { Haproxy } from '../../host/haproxy/port.ts';
import { selfSignedCertificate } from './certificate.ts';
import { ingress, PROXY } from './rig.test-support.ts';

/** HAProxy without a controller: it runs with what it is told to load. */
export interface BareProxy extends AsyncDisposable {
  readonly haproxy: Haproxy;
  readonly options: RenderOptions;
}

export async function bareProxy(): Promise<BareProxy> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-ingress-'));
  const haproxy = openHaproxy({ folder });
  const { certificate, key } = await selfSignedCertificate('default.test', Date.now());
  return {
    haproxy,
    options: {
      folder: haproxy.folder,
      addresses: [PROXY],
      httpPort: 80,
      httpsPort: 443,
      statusPort: 10_254,
      acceptProxy: false,
      keepClient: false,
      defaultCertificate: `${certificate}\n${key}`,
    },
    [Symbol.asyncDispose]: async () => {
      await haproxy.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A cluster with nothing in it, where every certificate is taken and no class needed. */
export const EMPTY_WORLD: Omit<IngressWorld, 'rejected'> = {
  ingresses: [],
  classes: [],
  services: new Map(),
  slices: new Map(),
  secrets: new Map(),
  inspectCertificate: () => ({ names: [] }),
  withoutClass: true,
};

/** What a rule of {@link renderRules} takes. */
export interface Rule {
  readonly host: string;
  readonly path: string;
  readonly pathType: string;
  /** Of ingress-nginx, without its prefix. */
  readonly annotations?: Readonly<Record<string, string>>;
}

/** The proxy's files for one Ingress per rule, the first the oldest; each sends its requests to a host `r<its index>.test`. */
export function renderRules(rules: readonly Rule[], options: RenderOptions): ReadonlyMap<string, string> {
  const model = deriveIngress({ ...EMPTY_WORLD, ingresses: rules.map(ingressOf), rejected: new Map() });
  return renderIngress(model, options).files;
}

function ingressOf({ host, path, pathType, annotations = {} }: Rule, index: number): Ingress {
  const all = { 'permanent-redirect': `http://r${index}.test/`, ...annotations };
  const named = Object.entries(all).map(([name, value]) => [`nginx.ingress.kubernetes.io/${name}`, value] as const);
  const created = `2026-01-01T00:00:${String(index).padStart(2, '0')}Z`;
  const more = { annotations: Object.fromEntries(named), created };
  const object = ingress(`r${index}`, [[host, path, pathType, 'none']], more);
  return { ...object, spec: { ...(object['spec'] as object), ingressClassName: '' } } as Ingress;
}
