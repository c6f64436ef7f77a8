import type { Node, Pod } from '../../core/kube/types.ts';

/** A proxy that serves Ingresses, on a node. */
export interface Proxy {
  readonly node: string;
  /** Of the node. */
  readonly addresses: readonly string[];
}

/** The proxies of a cluster. */
export interface Proxies {
  readonly ready: readonly Proxy[];
  /** Keys of the pods that are not ready. */
  readonly waiting: readonly string[];
  /** Pods see the client itself, as all proxies are set up. */
  readonly keepClient: boolean;
  /** Ingresses without a class are served, whichever the default class is. */
  readonly withoutClass: boolean;
  /** Requests for hosts with TLS that come without it are sent there, unless an annotation says. */
  readonly redirectToTls: boolean;
}

/** What the proxy's DaemonSet calls its pods. */
const LABEL = 'k8s-app';
const NAME = 'sluice-ingress';

/** Finds the proxies among the pods of a cluster. */
export function findProxies(pods: readonly Pod[], nodes: readonly Node[]): Proxies {
  const all = pods
    .filter(({ metadata, status }) => metadata?.labels?.[LABEL] === NAME && status?.phase !== 'Succeeded')
    .toSorted((a, b) => ((a.spec?.nodeName ?? '') < (b.spec?.nodeName ?? '') ? -1 : 1));
  const isReady = ({ status }: Pod): boolean =>
    (status?.conditions ?? []).some((each) => each.type === 'Ready' && each.status === 'True');
  const setting = (name: string, value = 'true'): boolean =>
    all.length > 0 &&
    all.every(({ spec }) =>
      (spec?.containers ?? []).some(({ env }) => env?.some((each) => each.name === name && each.value === value)),
    );
  return {
    ready: all.filter(isReady).map(({ spec }) => ({
      node: spec?.nodeName ?? '',
      addresses: addressesOf(nodes.find(({ metadata }) => metadata?.name === spec?.nodeName)),
    })),
    waiting: all.filter((pod) => !isReady(pod)).map(({ metadata }) => `${metadata?.namespace}/${metadata?.name}`),
    keepClient: setting('SLUICE_INGRESS_KEEP_CLIENT'),
    withoutClass: setting('SLUICE_INGRESS_WITHOUT_CLASS'),
    redirectToTls: !setting('SLUICE_INGRESS_SSL_REDIRECT', 'false'),
  };
}

function addressesOf(node: Node | undefined): string[] {
  const all = node?.status?.addresses ?? [];
  return all.filter(({ type }) => type === 'InternalIP').map(({ address }) => address);
}
