import { existsSync } from 'node:fs';
import { jsonLogger } from '../../base/log.ts';
import { lookup } from '../../host/dns/lookup.ts';
import { openHaproxy } from '../../host/haproxy/haproxy.ts';
import { httpKubeClient } from '../../host/kube-client/http-client.ts';
import { inClusterConfig } from '../../host/kube-client/in-cluster.ts';
import { loadKubeconfig } from '../../host/kube-client/kubeconfig.ts';
import { openNetlink } from '../../host/netlink/kernel.ts';
import { selfSignedCertificate } from './certificate.ts';
import { leadAnswers } from './lead-answers.ts';
import { ingressOptions, withFamilies } from './options.ts';
import { runIngress } from './run-ingress.ts';

/** There unless the kernel was started without IPv6; then HAProxy could not listen on any address of it. */
const IPV6 = '/proc/net/if_inet6';

/** Whom the certificate is for that answers for hosts without one. */
const DEFAULT_NAME = 'default.sluice.invalid';

/** `sluice ingress`: runs inside a cluster, or with `KUBECONFIG`, until the signal aborts. Returns the exit code. */
export async function runIngressProgram(
  env: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<number> {
  const options = withFamilies(ingressOptions(env), existsSync(IPV6));
  const log = jsonLogger(
    { level: options.logLevel, fields: { program: 'ingress' } },
    { write: (line) => process.stderr.write(`${line}\n`), now: () => new Date().toISOString() },
  );
  const client = httpKubeClient(env['KUBECONFIG'] ? await loadKubeconfig(env['KUBECONFIG']) : inClusterConfig(env));
  using stack = new DisposableStack();
  stack.defer(() => client.close());
  let ended = new AbortController();
  const onEnd = (reason: string): void => {
    log.error('HAProxy ended', { reason });
    ended.abort();
  };
  const haproxy = openHaproxy({ folder: options.folder, onEnd, onLine: (line) => log.info('haproxy', { line }) });
  const { certificate, key } = await selfSignedCertificate(DEFAULT_NAME, Date.now());
  log.info('starting', { folder: options.folder });
  if (options.keepClient) {
    using netlink = openNetlink();
    leadAnswers(netlink);
  }
  await runIngress(options, {
    client,
    haproxy,
    lookup,
    log,
    now: Date.now,
    defaultCertificate: `${certificate}\n${key}`,
    ended: () => (ended = new AbortController()).signal,
    signal,
  });
  return 0;
}
