import type { Event } from 'kubernetes-types/core/v1.d.ts';
import { apiVersionOf } from '../../../host/kube-client/resources.ts';
import { timestamp, type EventAction } from './controller.ts';
import { KINDS } from './objects.ts';

/** The Kubernetes Event that an `event` action asks for, as `kubectl describe` lists it. `suffix` makes its name unique. */
export function eventObject(action: EventAction, now: number, suffix: string): Event {
  const { name, namespace, uid, resourceVersion } = action.about.metadata;
  const resource = KINDS[action.kind];
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: `${name}.${suffix}`, namespace: namespace ?? 'default' },
    involvedObject: {
      apiVersion: apiVersionOf(resource),
      kind: resource.kind,
      name,
      uid,
      resourceVersion,
      ...(namespace === undefined ? {} : { namespace }),
    },
    type: action.type,
    reason: action.reason,
    message: action.message,
    source: { component: action.component },
    reportingComponent: action.component,
    reportingInstance: action.component,
    firstTimestamp: timestamp(now),
    lastTimestamp: timestamp(now),
    count: 1,
  };
}
