import type { Node, Service } from 'kubernetes-types/core/v1.d.ts';
import type { ApiObject } from '../api-object.ts';
import { AGE, ageOf, at, column, count, items, labelText, NAME, text, type Column } from './column.ts';

/** Columns of the resources of the core group, by bucket. */
export const CORE_COLUMNS: Readonly<Record<string, readonly Column[]>> = {
  '/namespaces': [NAME, column('Status', (object) => text(at(object, 'status.phase'))), AGE],
  '/nodes': [
    NAME,
    column('Status', (object) => nodeStatus(object as unknown as Node)),
    column('Roles', (object) => nodeRoles(object)),
    AGE,
    column('Version', (object) => text(at(object, 'status.nodeInfo.kubeletVersion'), '')),
    column('Internal-IP', (object) => nodeAddress(object, 'InternalIP'), { wide: true }),
    column('External-IP', (object) => nodeAddress(object, 'ExternalIP'), { wide: true }),
    column('OS-Image', (object) => text(at(object, 'status.nodeInfo.osImage'), '<unknown>'), { wide: true }),
    column('Kernel-Version', (object) => text(at(object, 'status.nodeInfo.kernelVersion'), '<unknown>'), {
      wide: true,
    }),
    column('Container-Runtime', (object) => text(at(object, 'status.nodeInfo.containerRuntimeVersion'), '<unknown>'), {
      wide: true,
    }),
  ],
  '/services': [
    NAME,
    column('Type', (object) => text(at(object, 'spec.type'))),
    column('Cluster-IP', (object) => text(at(object, 'spec.clusterIP'))),
    column('External-IP', (object) => externalIp(object as unknown as Service)),
    column('Port(s)', (object) => servicePorts(object as unknown as Service)),
    AGE,
    column('Selector', (object) => labelText(at(object, 'spec.selector')), { wide: true }),
  ],
  '/endpoints': [NAME, column('Endpoints', endpointsText), AGE],
  '/configmaps': [
    NAME,
    column('Data', (object) => count(object['data']) + count(object['binaryData']), { type: 'integer' }),
    AGE,
  ],
  '/secrets': [
    NAME,
    column('Type', (object) => text(object['type'])),
    column('Data', (object) => count(object['data']), { type: 'integer' }),
    AGE,
  ],
  '/serviceaccounts': [NAME, column('Secrets', (object) => count(object['secrets']), { type: 'integer' }), AGE],
  '/events': [
    column('Last Seen', lastSeen),
    column('Type', (object) => text(object['type'], '')),
    column('Reason', (object) => text(object['reason'], '')),
    column('Object', eventObject),
    column('Subobject', (object) => text(at(object, 'involvedObject.fieldPath'), ''), { wide: true }),
    column('Source', eventSource, { wide: true }),
    column('Message', (object) => text(object['message'], '').trim()),
    column('First Seen', (object, now) => ageOf(firstSeen(object), now), { wide: true }),
    column('Count', eventCount, { wide: true }),
    { ...NAME, priority: 1 },
  ],
  '/replicationcontrollers': [
    NAME,
    column('Desired', (object) => count(at(object, 'spec.replicas')), { type: 'integer' }),
    column('Current', (object) => count(at(object, 'status.replicas')), { type: 'integer' }),
    column('Ready', (object) => count(at(object, 'status.readyReplicas')), { type: 'integer' }),
    AGE,
  ],
  '/persistentvolumeclaims': [
    NAME,
    column('Status', (object) => text(at(object, 'status.phase'), '')),
    column('Volume', (object) => text(at(object, 'spec.volumeName'), '')),
    column('Capacity', (object) => text(at(object, 'status.capacity.storage'), '')),
    column('Access Modes', (object) => accessModes(at(object, 'status.accessModes'))),
    column('StorageClass', (object) => text(at(object, 'spec.storageClassName'), '')),
    AGE,
  ],
  '/persistentvolumes': [
    NAME,
    column('Capacity', (object) => text(at(object, 'spec.capacity.storage'), '')),
    column('Access Modes', (object) => accessModes(at(object, 'spec.accessModes'))),
    column('Reclaim Policy', (object) => text(at(object, 'spec.persistentVolumeReclaimPolicy'), '')),
    column('Status', (object) => text(at(object, 'status.phase'), '')),
    column('Claim', (object) => claimText(at(object, 'spec.claimRef'))),
    column('StorageClass', (object) => text(at(object, 'spec.storageClassName'), '')),
    column('Reason', (object) => text(at(object, 'status.reason'), '')),
    AGE,
  ],
};

function nodeStatus(node: Node): string {
  const ready = node.status?.conditions?.find((each) => each.type === 'Ready');
  const state = ready === undefined ? 'Unknown' : ready.status === 'True' ? 'Ready' : 'NotReady';
  return node.spec?.unschedulable === true ? `${state},SchedulingDisabled` : state;
}

const ROLE_LABEL = 'node-role.kubernetes.io/';

function nodeRoles(object: ApiObject): string {
  const labels = Object.entries(object.metadata.labels ?? {});
  const roles = labels
    .map(([key, value]) =>
      key.startsWith(ROLE_LABEL) ? key.slice(ROLE_LABEL.length) : key === 'kubernetes.io/role' ? value : '',
    )
    .filter((role) => role !== '');
  return roles.length === 0 ? '<none>' : roles.sort().join(',');
}

function nodeAddress(object: ApiObject, type: string): string {
  const found = items(at(object, 'status.addresses')).find((each) => each['type'] === type);
  return text(found?.['address']);
}

function externalIp({ spec, status }: Service): string {
  switch (spec?.type ?? '') {
    case 'ExternalName':
      return spec?.externalName ?? '<none>';
    case 'LoadBalancer': {
      const given = (status?.loadBalancer?.ingress ?? []).map((each) => each.ip ?? each.hostname ?? '');
      const all = [...given, ...(spec?.externalIPs ?? [])].filter((each) => each !== '');
      return all.length === 0 ? '<pending>' : all.join(',');
    }
    default:
      return (spec?.externalIPs ?? []).length === 0 ? '<none>' : spec!.externalIPs!.join(',');
  }
}

function servicePorts({ spec }: Service): string {
  const ports = (spec?.ports ?? []).map(
    ({ port, nodePort, protocol = 'TCP' }) => `${port}${nodePort === undefined ? '' : `:${nodePort}`}/${protocol}`,
  );
  return ports.length === 0 ? '<none>' : ports.join(',');
}

/** At most three addresses, then how many more. */
function endpointsText(object: ApiObject): string {
  const all = items(object['subsets']).flatMap((subset) => {
    const addresses = items(subset['addresses']).map((each) => text(each['ip'], ''));
    const ports = items(subset['ports']).map((each) => each['port']);
    const host = (ip: string): string => (ip.includes(':') ? `[${ip}]` : ip);
    return ports.length === 0
      ? addresses
      : addresses.flatMap((ip) => ports.map((port) => `${host(ip)}:${text(port, '')}`));
  });
  if (all.length === 0) return '<none>';
  return all.length <= 3 ? all.join(',') : `${all.slice(0, 3).join(',')} + ${all.length - 3} more...`;
}

function firstSeen(object: ApiObject): string | undefined {
  return (object['firstTimestamp'] ?? object['eventTime'] ?? undefined) as string | undefined;
}

function lastSeen(object: ApiObject, now: number): string {
  const series = at(object, 'series.lastObservedTime');
  return ageOf((series ?? object['lastTimestamp'] ?? firstSeen(object)) as string | undefined, now);
}

function eventObject(object: ApiObject): string {
  return `${text(at(object, 'involvedObject.kind'), '').toLowerCase()}/${text(at(object, 'involvedObject.name'), '')}`;
}

function eventSource(object: ApiObject): string {
  const component = text(at(object, 'source.component'), text(object['reportingComponent'], ''));
  const host = text(at(object, 'source.host'), text(object['reportingInstance'], ''));
  return host === '' ? component : `${component}, ${host}`;
}

function eventCount(object: ApiObject): number {
  return count(at(object, 'series.count') ?? object['count'] ?? 1);
}

const MODES: Readonly<Record<string, string>> = {
  ReadWriteOnce: 'RWO',
  ReadOnlyMany: 'ROX',
  ReadWriteMany: 'RWX',
  ReadWriteOncePod: 'RWOP',
};

function accessModes(value: unknown): string {
  return Array.isArray(value) ? value.map((each) => MODES[String(each)] ?? String(each)).join(',') : '';
}

function claimText(value: unknown): string {
  return value === undefined ? '' : `${text(at(value, 'namespace'), '')}/${text(at(value, 'name'), '')}`;
}
