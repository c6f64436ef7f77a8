import type { StoredObject } from '../../core/datastore/index.ts';
import { parseLabelQuery } from '../../core/kube/label-query.ts';
import { matchesLabels } from '../../core/kube/labels.ts';
import { KubeError } from '../kube-client/errors.ts';
import type { Resource, Selection } from '../kube-client/types.ts';

/** Whether an object is in the selection. Of field selectors etcd's kinds know `metadata.name` alone. */
export function selectionTest(
  resource: Resource,
  { namespace, labelSelector = '', fieldSelector = '' }: Selection,
): (object: StoredObject) => boolean {
  const query = parseLabelQuery(labelSelector);
  if ('problem' in query) throw new KubeError('bad-request', `${resource.plural}: ${query.problem}`);
  const name = /^(?:metadata\.name==?([^,=!]+))?$/.exec(fieldSelector);
  if (name === null)
    throw new KubeError('bad-request', `${resource.plural} in etcd cannot be selected by '${fieldSelector}'`);
  return ({ metadata }) =>
    (namespace === undefined || metadata.namespace === namespace) &&
    (name[1] === undefined || metadata.name === name[1]) &&
    matchesLabels(query.selector, metadata.labels ?? {});
}
