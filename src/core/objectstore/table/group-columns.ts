import { parseRfc3339 } from '../../../base/rfc3339.ts';
import type { Ingress } from 'kubernetes-types/networking/v1.d.ts';
import { formatSelector, parseSelector } from '../../kube/labels.ts';
import type { ApiObject } from '../api-object.ts';
import { AGE, ageOf, at, column, count, humanDuration, items, labelText, NAME, text, type Column } from './column.ts';

const CONTAINERS: readonly Column[] = [
  column('Containers', (object) => containerList(object, 'name'), { wide: true }),
  column('Images', (object) => containerList(object, 'image'), { wide: true }),
];

const SELECTOR = column('Selector', (object) => selectorText(at(object, 'spec.selector')), { wide: true });

/** Columns of the resources outside the core group, by bucket. */
export const GROUP_COLUMNS: Readonly<Record<string, readonly Column[]>> = {
  'apps/deployments': [
    NAME,
    column('Ready', (object) => `${count(at(object, 'status.readyReplicas'))}/${count(at(object, 'spec.replicas'))}`),
    column('Up-to-date', (object) => count(at(object, 'status.updatedReplicas')), { type: 'integer' }),
    column('Available', (object) => count(at(object, 'status.availableReplicas')), { type: 'integer' }),
    AGE,
    ...CONTAINERS,
    SELECTOR,
  ],
  'apps/replicasets': [
    NAME,
    column('Desired', (object) => count(at(object, 'spec.replicas')), { type: 'integer' }),
    column('Current', (object) => count(at(object, 'status.replicas')), { type: 'integer' }),
    column('Ready', (object) => count(at(object, 'status.readyReplicas')), { type: 'integer' }),
    AGE,
    ...CONTAINERS,
    SELECTOR,
  ],
  'apps/statefulsets': [
    NAME,
    column('Ready', (object) => `${count(at(object, 'status.readyReplicas'))}/${count(at(object, 'spec.replicas'))}`),
    AGE,
    ...CONTAINERS,
  ],
  'apps/daemonsets': [
    NAME,
    column('Desired', (object) => count(at(object, 'status.desiredNumberScheduled')), { type: 'integer' }),
    column('Current', (object) => count(at(object, 'status.currentNumberScheduled')), { type: 'integer' }),
    column('Ready', (object) => count(at(object, 'status.numberReady')), { type: 'integer' }),
    column('Up-to-date', (object) => count(at(object, 'status.updatedNumberScheduled')), { type: 'integer' }),
    column('Available', (object) => count(at(object, 'status.numberAvailable')), { type: 'integer' }),
    column('Node Selector', (object) => labelText(at(object, 'spec.template.spec.nodeSelector'))),
    AGE,
    ...CONTAINERS,
    SELECTOR,
  ],
  'apps/controllerrevisions': [
    NAME,
    column('Controller', controllerText),
    column('Revision', (object) => count(object['revision']), { type: 'integer' }),
    AGE,
  ],
  'batch/jobs': [
    NAME,
    column('Status', jobStatus),
    column(
      'Completions',
      (object) => `${count(at(object, 'status.succeeded'))}/${text(at(object, 'spec.completions'), '1')}`,
    ),
    column('Duration', jobDuration),
    AGE,
    ...CONTAINERS,
    SELECTOR,
  ],
  'batch/cronjobs': [
    NAME,
    column('Schedule', (object) => text(at(object, 'spec.schedule'))),
    column('Timezone', (object) => text(at(object, 'spec.timeZone'))),
    column('Suspend', (object) => (at(object, 'spec.suspend') === true ? 'True' : 'False')),
    column('Active', (object) => count(at(object, 'status.active')), { type: 'integer' }),
    column('Last Schedule', (object, now) => {
      const last = at(object, 'status.lastScheduleTime');
      return typeof last === 'string' ? ageOf(last, now) : '<none>';
    }),
    AGE,
  ],
  'networking.k8s.io/networkpolicies': [
    NAME,
    column('Pod-Selector', (object) => selectorText(at(object, 'spec.podSelector') ?? {})),
    AGE,
  ],
  'networking.k8s.io/ingresses': [
    NAME,
    column('Class', (object) => ingressClass(object)),
    column('Hosts', (object) => ingressHosts(object as unknown as Ingress)),
    column('Address', (object) =>
      items(at(object, 'status.loadBalancer.ingress'))
        .map((each) => text(each['ip'], text(each['hostname'], '')))
        .join(','),
    ),
    column('Ports', (object) => (count(at(object, 'spec.tls')) > 0 ? '80, 443' : '80')),
    AGE,
  ],
  'networking.k8s.io/ingressclasses': [
    NAME,
    column('Controller', (object) => text(at(object, 'spec.controller'))),
    column('Parameters', (object) => {
      const { kind, name, apiGroup } = (at(object, 'spec.parameters') ?? {}) as Record<string, string>;
      return kind === undefined ? '<none>' : `${kind}${apiGroup === undefined ? '' : `.${apiGroup}`}/${name}`;
    }),
    AGE,
  ],
  'discovery.k8s.io/endpointslices': [
    NAME,
    column('AddressType', (object) => text(object['addressType'])),
    column('Ports', (object) =>
      few(
        items(object['ports']).map((each) => text(each['port'], '*')),
        '<unset>',
      ),
    ),
    column('Endpoints', (object) =>
      few(
        items(object['endpoints']).flatMap((each) =>
          Array.isArray(each['addresses']) ? each['addresses'].map(String) : [],
        ),
        '<unset>',
      ),
    ),
    AGE,
  ],
  'coordination.k8s.io/leases': [NAME, column('Holder', (object) => text(at(object, 'spec.holderIdentity'), '')), AGE],
  'policy/poddisruptionbudgets': [
    NAME,
    column('Min Available', (object) => text(at(object, 'spec.minAvailable'), 'N/A')),
    column('Max Unavailable', (object) => text(at(object, 'spec.maxUnavailable'), 'N/A')),
    column('Allowed Disruptions', (object) => count(at(object, 'status.disruptionsAllowed')), { type: 'integer' }),
    AGE,
  ],
  'rbac.authorization.k8s.io/roles': [NAME, column('Created At', (object) => text(object.metadata.creationTimestamp))],
  'rbac.authorization.k8s.io/clusterroles': [
    NAME,
    column('Created At', (object) => text(object.metadata.creationTimestamp)),
  ],
  'rbac.authorization.k8s.io/rolebindings': bindingColumns(),
  'rbac.authorization.k8s.io/clusterrolebindings': bindingColumns(),
  'scheduling.k8s.io/priorityclasses': [
    NAME,
    column('Value', (object) => count(object['value']), { type: 'integer' }),
    column('Global-Default', (object) => object['globalDefault'] === true, { type: 'boolean' }),
    AGE,
    column('PreemptionPolicy', (object) => text(object['preemptionPolicy'])),
  ],
  'storage.k8s.io/storageclasses': [
    NAME,
    column('Provisioner', (object) => text(object['provisioner'])),
    column('ReclaimPolicy', (object) => text(object['reclaimPolicy'], 'Delete')),
    column('VolumeBindingMode', (object) => text(object['volumeBindingMode'], 'Immediate')),
    column('AllowVolumeExpansion', (object) => object['allowVolumeExpansion'] === true, { type: 'boolean' }),
    AGE,
  ],
  'apiextensions.k8s.io/customresourcedefinitions': [
    NAME,
    column('Created At', (object) => text(object.metadata.creationTimestamp)),
  ],
};

function containerList(object: ApiObject, field: 'name' | 'image'): string {
  return items(at(object, 'spec.template.spec.containers'))
    .map((each) => text(each[field], ''))
    .join(',');
}

function selectorText(value: unknown): string {
  const parsed = parseSelector(value as Parameters<typeof parseSelector>[0]);
  if (!('selector' in parsed)) return '<invalid>';
  const shown = formatSelector(parsed.selector);
  return shown === '<all>' ? '<none>' : shown;
}

function controllerText(object: ApiObject): string {
  const owner = object.metadata.ownerReferences?.find((each) => each.controller === true);
  if (owner === undefined) return '<none>';
  const [group] = owner.apiVersion.includes('/') ? owner.apiVersion.split('/') : [''];
  return `${owner.kind.toLowerCase()}${group === '' ? '' : `.${group}`}/${owner.name}`;
}

function jobStatus(object: ApiObject): string {
  const met = items(at(object, 'status.conditions')).filter((each) => each['status'] === 'True');
  const has = (type: string): boolean => met.some((each) => each['type'] === type);
  if (has('Complete')) return 'Complete';
  if (has('Failed')) return 'Failed';
  if (object.metadata.deletionTimestamp !== undefined) return 'Terminating';
  return has('Suspended') ? 'Suspended' : 'Running';
}

function jobDuration(object: ApiObject, now: number): string {
  const start = parseRfc3339(text(at(object, 'status.startTime'), ''));
  if (start === undefined) return '';
  const end = parseRfc3339(text(at(object, 'status.completionTime'), '')) ?? now;
  return humanDuration(Math.floor((end - start) / 1000));
}

function ingressClass(object: ApiObject): string {
  return text(
    at(object, 'spec.ingressClassName'),
    object.metadata.annotations?.['kubernetes.io/ingress.class'] ?? '<none>',
  );
}

function ingressHosts({ spec }: Ingress): string {
  const hosts = (spec?.rules ?? []).map((each) => each.host ?? '').filter((each) => each !== '');
  return hosts.length === 0 ? '*' : few(hosts, '*');
}

function few(all: readonly string[], none: string): string {
  if (all.length === 0) return none;
  return all.length <= 3 ? all.join(',') : `${all.slice(0, 3).join(',')} + ${all.length - 3} more...`;
}

function bindingColumns(): readonly Column[] {
  const subjects = (object: ApiObject, kind: string): string =>
    items(object['subjects'])
      .filter((each) => each['kind'] === kind)
      .map((each) =>
        kind === 'ServiceAccount' ? `${text(each['namespace'], '')}/${text(each['name'], '')}` : text(each['name'], ''),
      )
      .join(', ');
  return [
    NAME,
    column('Role', (object) => `${text(at(object, 'roleRef.kind'), '')}/${text(at(object, 'roleRef.name'), '')}`),
    AGE,
    column('Users', (object) => subjects(object, 'User'), { wide: true }),
    column('Groups', (object) => subjects(object, 'Group'), { wide: true }),
    column('ServiceAccounts', (object) => subjects(object, 'ServiceAccount'), { wide: true }),
  ];
}
