import { messageOf } from '../../base/errors.ts';
import { formatIp } from '../../base/ip/index.ts';
import type { Logger } from '../../base/log.ts';
import { externalNames } from '../../core/ingress/index.ts';
import type { IngressWorld } from '../../core/ingress/index.ts';
import type { Lookup } from '../../host/dns/lookup.ts';
import type { Haproxy } from '../../host/haproxy/port.ts';
import { pause } from '../../host/kube-client/pause.ts';
import type { KubeClient } from '../../host/kube-client/types.ts';
import { inspectCertificate } from './certificate.ts';
import { ProxyDriver } from './drive-proxy.ts';
import { ExternalNames } from './external-names.ts';
import { feedGateways } from './gateway-feed.ts';
import { GatewayPorts } from './gateway-ports.ts';
import { GatewayReporter } from './gateway-report.ts';
import { feedIngresses } from './ingress-feed.ts';
import type { IngressOptions } from './options.ts';
import { addressesOf, IngressReporter } from './report.ts';

/** What the ingress controller needs. */
export interface IngressDependencies {
  readonly client: KubeClient;
  readonly haproxy: Haproxy;
  readonly lookup: Lookup;
  readonly log: Logger;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Certificate and key for hosts that have none. */
  readonly defaultCertificate: string;
  /** Aborts when HAProxy ended by itself; a new one each time it is asked for. */
  readonly ended: () => AbortSignal;
  readonly signal: AbortSignal;
}

/** Wait before what failed is tried again, milliseconds. */
const RETRY = 1000;
/** The same for ports that somebody else has. */
const PORT_RETRY = 30_000;

/** Serves the cluster's Ingresses until the signal aborts; then lets requests under way finish. */
export async function runIngress(options: IngressOptions, dependencies: IngressDependencies): Promise<void> {
  const { client, haproxy, log, now, signal } = dependencies;
  let wake = new AbortController();
  const feed = await feedIngresses({ client, log, onChange: () => wake.abort() }, signal);
  const gateways = feedGateways({ client, log, options, onChange: () => wake.abort() }, signal);
  const names = new ExternalNames({ lookup: dependencies.lookup, log, onChange: () => wake.abort() }, signal);
  const { listen: addresses, httpPort, httpsPort, statusPort, acceptProxy, keepClient } = options;
  const { defaultCertificate } = dependencies;
  const driver = new ProxyDriver(
    { addresses, httpPort, httpsPort, statusPort, acceptProxy, keepClient, defaultCertificate },
    { haproxy, log },
  );
  const reporter = new IngressReporter({ client, log, now, resource: feed.resource });
  const gatewayPorts = new GatewayPorts({ client, log, now, addresses });
  const gatewayReporter = new GatewayReporter({ client, log, now });
  await Promise.race([Promise.all([feed.synced, gateways.synced]), feed.done]);
  while (!signal.aborted) {
    wake = new AbortController();
    const ended = dependencies.ended();
    let next = Infinity;
    try {
      const world = feed.world();
      const { ingresses } = world;
      const { withoutClass, redirectToTls } = options;
      names.want(externalNames({ ...world, withoutClass }), nameServers(options, world));
      const objects = gateways.objects();
      const unusablePorts = await gatewayPorts.unusable(objects.gateways);
      const whole = {
        ...world,
        withoutClass,
        redirectToTls,
        keepClient,
        names: names.known(),
        inspectCertificate,
        gateways: objects,
        unusablePorts,
      };
      const applied = await driver.apply(whole);
      const { model, outcome } = applied;
      gatewayPorts.running(model.ports ?? []);
      if (unusablePorts.size > 0) next = PORT_RETRY;
      if (outcome !== 'unchanged') log.info('proxy configured', { outcome, routes: model.routes.length });
      const places = published(options, world);
      await reporter.report(model, ingresses, places);
      await gatewayReporter.report(applied.gateways, places, applied.rejected);
      if (outcome === 'reloaded') await pause(options.reloadEveryMs, signal);
    } catch (error) {
      log.error('cannot configure the proxy, trying again', { error: messageOf(error) });
      driver.forget();
      next = RETRY;
    }
    if (ended.aborted) driver.forget();
    await awaitAny([signal, wake.signal, ended], next);
    if (ended.aborted) {
      driver.forget();
      gatewayPorts.running([]);
    }
  }
  await haproxy.stop();
  await Promise.all([feed.done, gateways.done]);
}

/** Who is asked for names: those that the settings name, else the cluster's own DNS, else whom this machine asks. */
function nameServers(
  { nameServers: given }: IngressOptions,
  { services }: Pick<IngressWorld, 'services'>,
): readonly string[] {
  if (given.length > 0) return given;
  const { clusterIPs = [], clusterIP = '' } = services.get(CLUSTER_DNS)?.spec ?? {};
  return (clusterIPs.length > 0 ? clusterIPs : [clusterIP]).filter((each) => each !== '' && each !== 'None');
}

/** What clusters call the Service of their DNS, whichever it is. */
const CLUSTER_DNS = 'kube-system/kube-dns';

/** Where clients find the proxy. */
function published(
  { publishService, publishNodes, publishAddresses }: IngressOptions,
  { services, slices }: Pick<IngressWorld, 'services' | 'slices'>,
): readonly string[] {
  if (publishService === undefined) return publishAddresses;
  const endpoints = (publishNodes ? (slices.get(publishService) ?? []) : []).flatMap((slice) => slice.endpoints);
  const nodes = new Set(endpoints.filter(({ ready }) => ready).map(({ address }) => formatIp(address)));
  return [...addressesOf(services.get(publishService), [...nodes].sort()), ...publishAddresses];
}

function awaitAny(signals: readonly AbortSignal[], milliseconds: number): Promise<void> {
  const any = AbortSignal.any([...signals]);
  if (milliseconds !== Infinity) return pause(milliseconds, any);
  return new Promise((resolve) => {
    if (any.aborted) resolve();
    else any.addEventListener('abort', () => resolve(), { once: true });
  });
}
