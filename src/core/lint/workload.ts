import type { Pod } from '../kube/types.ts';
import type { Manifest } from '../kube/yaml.ts';
import { podEndpoint } from '../policy/index.ts';
import type { DeclaredPort, Workload } from './lint-cluster.ts';
import { fieldsOf, groupOf, itemsOf, kindOf, nameOf, namespaceOf, valueAt } from './objects.ts';

/** Where a kind keeps the template of its pods. */
const TEMPLATES: Readonly<Record<string, readonly string[]>> = {
  Pod: [],
  CronJob: ['spec', 'jobTemplate', 'spec', 'template'],
  ...Object.fromEntries(
    ['DaemonSet', 'Deployment', 'Job', 'ReplicaSet', 'ReplicationController', 'StatefulSet'].map((kind) => [
      kind,
      ['spec', 'template'],
    ]),
  ),
};

/** Where custom workloads keep theirs too: rollouts, serverless services. */
const CUSTOM_TEMPLATE = ['spec', 'template'];

const GROUPS = new Set([
  'v1',
  'apps/v1',
  'apps/v1beta1',
  'apps/v1beta2',
  'extensions/v1beta1',
  'batch/v1',
  'batch/v1beta1',
]);

/** The pods that the object is or makes; undefined when it makes none, or its template cannot be read. */
export function workloadOf({ object }: Manifest): Pick<Workload, 'title' | 'pod' | 'declared'> | undefined {
  const builtIn = GROUPS.has(String(object['apiVersion']));
  const way = builtIn ? TEMPLATES[kindOf(object)] : CUSTOM_TEMPLATE;
  if (way === undefined || (!builtIn && !Array.isArray(valueAt(object, ...way, 'spec', 'containers'))))
    return undefined;
  const template = fieldsOf(valueAt(object, ...way));
  const namespace = namespaceOf(object);
  const metadata = { name: nameOf(object), namespace, labels: textsOf(valueAt(template, 'metadata', 'labels')) };
  const spec = fieldsOf(template['spec']);
  const readable = {
    ...spec,
    containers: containersOf(spec['containers']),
    initContainers: containersOf(spec['initContainers']),
  };
  const pod = podEndpoint({ metadata, spec: readable, status: statusOf(template['status']) } as unknown as Pod);
  const declared = [...readable.containers, ...readable.initContainers].flatMap((each) => each.ports);
  return { title: `${kindOf(object)} ${namespace}/${metadata.name}`, pod, declared };
}

/** Fields of custom resources that stand for pods: the operators of databases, brokers and the like have one of these. */
const POD_FIELDS = ['chart', 'image', 'instances', 'nodeSets', 'replicas', 'size', 'version'];

/** Whether it is a custom resource of which an operator probably makes pods that no file holds. */
export function isOperated(object: Manifest['object']): boolean {
  const group = groupOf(object);
  if (!group.includes('.') || group.endsWith('.k8s.io') || group.endsWith('projectcalico.org')) return false;
  const spec = fieldsOf(object['spec']);
  return POD_FIELDS.some((field) => spec[field] !== undefined);
}

function textsOf(labels: unknown): Record<string, string> {
  const texts = Object.entries(fieldsOf(labels)).filter(
    (each): each is [string, string] => typeof each[1] === 'string',
  );
  return Object.fromEntries(texts);
}

function containersOf(value: unknown): { ports: (DeclaredPort & { containerPort: number })[] }[] {
  return itemsOf(value).map((container) => {
    const fields = fieldsOf(container);
    const ports = itemsOf(fields['ports']).flatMap((entry) => {
      const { name, protocol, containerPort } = fieldsOf(entry);
      if (typeof containerPort !== 'number') return [];
      const named = typeof name === 'string' && name !== '' ? { name } : {};
      return [
        { ...named, protocol: typeof protocol === 'string' ? protocol : 'TCP', port: containerPort, containerPort },
      ];
    });
    return { ...fields, ports };
  });
}

/** Addresses and phase, when the file comes from a cluster. */
function statusOf(value: unknown): Record<string, unknown> {
  const { phase, podIP, podIPs } = fieldsOf(value);
  const listed = itemsOf(podIPs).map((each) => ({ ip: fieldsOf(each)['ip'] }));
  return {
    phase,
    ...(typeof podIP === 'string' ? { podIP } : {}),
    podIPs: listed.filter(({ ip }) => typeof ip === 'string'),
  };
}
