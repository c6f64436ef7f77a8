import {
  CNI_ERROR,
  CniError,
  describeHostPort,
  formatRuntimeConfig,
  overlaps,
  parseRuntimeConfig,
} from '../../core/cni/index.ts';
import type { Capabilities, NetConf } from '../../core/cni/index.ts';
import type { EndpointRecord } from './endpoint-record.ts';
import { assertBursts } from './pod-bandwidth.ts';

/** Whether the same is asked of a pod's network. */
export function asksAlike(a: Capabilities, b: Capabilities): boolean {
  return JSON.stringify(formatRuntimeConfig(a)) === JSON.stringify(formatRuntimeConfig(b));
}

/**
 * Throws a CniError where the node cannot do for the pod what its runtime asks: code 11 while another pod has one of its
 * host ports, since that one may be about to go; code 7 for what can never be.
 */
export function assertCapable(record: EndpointRecord, others: Iterable<EndpointRecord>): void {
  const { hostPorts = [], bandwidth, macvlan, mtu } = record;
  if (macvlan !== undefined && (hostPorts.length > 0 || bandwidth !== undefined))
    throw new CniError(
      CNI_ERROR.invalidNetworkConfig,
      "host ports and bandwidth need the node on the pod's way, and a macvlan device leads past it; leave them out",
    );
  if (bandwidth !== undefined) assertBursts(bandwidth, mtu);
  if (hostPorts.length === 0) return;
  for (const other of others) {
    if (other.id === record.id) continue;
    const taken = hostPorts.find((each) => other.hostPorts?.some((held) => overlaps(each, held)));
    if (taken !== undefined)
      throw new CniError(
        CNI_ERROR.tryAgainLater,
        `host port ${describeHostPort(taken)} is taken by pod ${other.namespace}/${other.pod} on this node`,
      );
  }
}

/**
 * Throws a CniError (code 7) where a pod of another network asks for anything: translation of addresses and the pods' queues
 * are that network's.
 */
export function assertNothingAsked({ runtimeConfig }: Pick<NetConf, 'runtimeConfig'>): void {
  if (asksAlike(parseRuntimeConfig(runtimeConfig), {})) return;
  throw new CniError(
    CNI_ERROR.invalidNetworkConfig,
    'host ports and bandwidth are not Sluice\'s where another network wires the pods (networking: policy-only): in cni_network_config, take the capabilities from "sluice" and give them to "portmap" and "bandwidth"',
  );
}
