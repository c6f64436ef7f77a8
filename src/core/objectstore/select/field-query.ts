import { badRequest } from '../api-error.ts';
import { isJsonObject, type ApiObject } from '../api-object.ts';
import { bucketOf, type ResourceDefinition } from '../resource-definition.ts';

/** Whether an object meets every clause of a field selector. */
export type FieldMatch = (object: ApiObject) => boolean;

/** Fields that may be selected by, per resource, beside `metadata.name` and `metadata.namespace`, as in Kubernetes 1.32. */
const SELECTABLE: Readonly<Record<string, readonly string[]>> = {
  '/pods': [
    'spec.nodeName',
    'spec.restartPolicy',
    'spec.schedulerName',
    'spec.serviceAccountName',
    'spec.hostNetwork',
    'status.phase',
    'status.podIP',
    'status.podIPs',
    'status.nominatedNodeName',
  ],
  '/events': [
    'involvedObject.kind',
    'involvedObject.namespace',
    'involvedObject.name',
    'involvedObject.uid',
    'involvedObject.apiVersion',
    'involvedObject.resourceVersion',
    'involvedObject.fieldPath',
    'reason',
    'reportingComponent',
    'source',
    'type',
  ],
  '/nodes': ['spec.unschedulable'],
  '/services': ['spec.clusterIP', 'spec.type'],
  '/namespaces': ['status.phase', 'name'],
  '/secrets': ['type'],
  '/replicationcontrollers': ['status.replicas'],
  'apps/replicasets': ['status.replicas'],
  'batch/jobs': ['status.successful'],
};

/** Reads a field selector such as `spec.nodeName=a,status.phase!=Failed`; unknown fields throw BadRequest. */
export function parseFieldQuery(text: string, definition: ResourceDefinition): FieldMatch {
  if (text.trim() === '') return () => true;
  const clauses = text.split(',').map((clause) => parseClause(clause.trim(), definition));
  return (object) => clauses.every(({ field, negated, value }) => (fieldText(object, field) === value) !== negated);
}

interface Clause {
  readonly field: string;
  readonly negated: boolean;
  readonly value: string;
}

function parseClause(clause: string, definition: ResourceDefinition): Clause {
  const match = /^([\w.]+)\s*(==|=|!=)\s*(.*)$/.exec(clause);
  if (match === null) throw badRequest(`invalid field selector: ${JSON.stringify(clause)}; can't understand it`);
  const field = match[1]!;
  const known = ['metadata.name', 'metadata.namespace', ...(SELECTABLE[bucketOf(definition)] ?? [])];
  if (!known.includes(field)) {
    throw badRequest(
      `field label not supported: ${field}; ${definition.plural} can be selected by ${known.join(', ')}`,
    );
  }
  return { field, negated: match[2] === '!=', value: match[3]!.replaceAll(/\\([\\,=])/g, '$1') };
}

function fieldText(object: ApiObject, field: string): string {
  let value: unknown = object;
  if (field === 'source' && isJsonObject(object['source'])) value = object['source']['component'];
  else for (const part of field.split('.')) value = isJsonObject(value) ? value[part] : undefined;
  if (value === undefined || value === null)
    return field === 'spec.unschedulable' || field === 'spec.hostNetwork' ? 'false' : '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
