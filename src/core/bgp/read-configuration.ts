import type { Cidr } from '../../base/ip/index.ts';
import { Fields } from './fields.ts';
import type { BgpObject, Read } from './fields.ts';
import { block, present, restartTime, secretKey } from './field-values.ts';
import type { BgpConfiguration, Community, PrefixAdvertisement } from './types.ts';
import { asNumber, community, isInterfacePattern } from '../kube/bgp-values.ts';
import { unsupportedSettings } from '../kube/unsupported-settings.ts';

const SEVERITIES = ['Debug', 'Info', 'Warning', 'Error', 'Fatal'] as const;

/** A BGPConfiguration; a field that cannot be read is reported and counts as absent. */
export function readConfiguration(object: BgpObject): Read<BgpConfiguration> {
  const spec = new Fields(`BGPConfiguration/${object.metadata?.name ?? ''}`, object.spec);
  const value = present<BgpConfiguration>({
    logSeverity: spec.choice('logSeverityScreen', SEVERITIES),
    mesh: spec.flag('nodeToNodeMeshEnabled'),
    asNumber: spec.read('asNumber', 'an AS number from 1 to 4294967295', asNumber),
    listenPort: spec.integer('listenPort', 1, 65_535),
    bindNodeIp: bindMode(spec),
    ignoredInterfaces: spec.list('ignoredInterfaces', 'the name of an interface, or a pattern with *', (item) =>
      typeof item === 'string' && isInterfacePattern(item) ? item : undefined,
    ),
    clusterIps: blocks(spec, 'serviceClusterIPs'),
    externalIps: blocks(spec, 'serviceExternalIPs'),
    loadBalancerIps: blocks(spec, 'serviceLoadBalancerIPs'),
    aggregateLoadBalancers: aggregation(spec),
    prefixAdvertisements: advertisements(spec),
    meshPassword: secretKey(spec, 'nodeMeshPassword'),
    meshMaxRestart: restartTime(spec, 'nodeMeshMaxRestartTime'),
  });
  for (const { field, message } of unsupportedSettings('BGPConfiguration', object.spec)) spec.reject(field, message);
  return { value, issues: spec.issues };
}

function bindMode(spec: Fields): boolean | undefined {
  const mode = spec.choice('bindMode', ['None', 'NodeIP']);
  return mode === undefined ? undefined : mode === 'NodeIP';
}

function aggregation(spec: Fields): boolean | undefined {
  const mode = spec.choice('serviceLoadBalancerAggregation', ['Enabled', 'Disabled']);
  return mode === undefined ? undefined : mode === 'Enabled';
}

function blocks(spec: Fields, name: string): readonly Cidr[] | undefined {
  return spec
    .objects(name)
    ?.flatMap((item) => item.read('cidr', 'a block of addresses such as 10.96.0.0/16', block) ?? []);
}

function advertisements(spec: Fields): readonly PrefixAdvertisement[] | undefined {
  const named = namedCommunities(spec);
  return spec.objects('prefixAdvertisements')?.flatMap((item) => {
    const cidr = item.read('cidr', 'a block of addresses such as 10.96.0.0/16', block);
    const wanted = 'a community such as 64512:100 or 64512:100:1, or the name of one in communities';
    const communities = item.list('communities', wanted, (value) => named.get(value) ?? community(value));
    return cidr === undefined || communities === undefined ? [] : [{ cidr, communities }];
  });
}

function namedCommunities(spec: Fields): ReadonlyMap<unknown, Community> {
  const wanted = 'aa:nn with numbers of 16 bits, or aa:nn:mm with numbers of 32 bits';
  const entries = spec.objects('communities')?.flatMap((item) => {
    const [name, value] = [item.text('name'), item.read('value', wanted, community)];
    return name === undefined || value === undefined ? [] : [[name, value] as const];
  });
  return new Map<unknown, Community>(entries);
}
