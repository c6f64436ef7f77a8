import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RenderOptions } from '../../core/ingress/index.ts';
import { openHaproxy } from '../../host/haproxy/haproxy.ts';
import type { Haproxy } from '../../host/haproxy/port.ts';
import { selfSignedCertificate } from './certificate.ts';
import { PROXY } from './rig.test-support.ts';

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
