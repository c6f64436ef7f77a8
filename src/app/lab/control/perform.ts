import { messageOf } from '../../../base/errors.ts';
import { isAlreadyExists, isNotFound } from '../../../host/kube-client/errors.ts';
import { EVENTS } from '../../../host/kube-client/resources.ts';
import { timestamp, type Action, type EventAction } from './controller.ts';
import { eventObject } from './event.ts';
import { KINDS, type KubeObject, type Stored } from './objects.ts';
import type { ControllerContext } from './run-controller.ts';

/**
 * Carries out actions in order and lets the view know each result before the watch does. Several writes to one object follow
 * each other: a later one builds on the version that the one before it made. Throws what the API refuses.
 */
export async function performAll(actions: readonly Action[], context: ControllerContext): Promise<void> {
  const written = new Map<string, string>();
  for (const action of actions) await perform(action, written, context);
}

async function perform(action: Action, written: Map<string, string>, context: ControllerContext): Promise<void> {
  switch (action.do) {
    case 'create':
      return create(action, context);
    case 'update':
    case 'update-status':
      return update(action, written, context);
    case 'delete':
      return remove(action, context);
    case 'bind':
      return bind(action, context);
    case 'event':
      return record(action, context);
  }
}

async function create(action: Extract<Action, { do: 'create' }>, context: ControllerContext): Promise<void> {
  const { client, view } = context;
  const resource = KINDS[action.kind];
  try {
    const created = (await client.create<KubeObject>(resource, action.object)) as Stored<KubeObject>;
    view.learn(action.kind, created);
    if (action.announce !== undefined) {
      const message = `${action.announce.message}: ${created.metadata.name}`;
      record({ ...action.announce, message }, context);
    }
  } catch (error) {
    const { name, namespace } = action.object.metadata ?? {};
    if (isAlreadyExists(error) && name !== undefined) {
      const existing = await client.get<KubeObject>(resource, named(name, namespace));
      view.learn(action.kind, existing as Stored<KubeObject>);
    }
    throw error;
  }
}

async function update(
  action: Extract<Action, { do: 'update' | 'update-status' }>,
  written: Map<string, string>,
  { client, view }: ControllerContext,
): Promise<void> {
  const resource = KINDS[action.kind];
  const write = action.do === 'update' ? client.update.bind(client) : client.updateStatus.bind(client);
  const { uid } = action.object.metadata;
  const resourceVersion = written.get(uid) ?? action.object.metadata.resourceVersion;
  const object: KubeObject = { ...action.object, metadata: { ...action.object.metadata, resourceVersion } };
  try {
    const stored = (await write<KubeObject>(resource, object)) as Stored<KubeObject>;
    written.set(uid, stored.metadata.resourceVersion);
    view.learn(action.kind, stored);
  } catch (error) {
    if (isNotFound(error)) view.forget(action.kind, action.object);
    throw error;
  }
}

async function remove(
  { kind, object, gracePeriodSeconds }: Extract<Action, { do: 'delete' }>,
  { client, view, now }: ControllerContext,
): Promise<void> {
  const { name, namespace, uid } = object.metadata;
  try {
    await client.delete(KINDS[kind], named(name, namespace), {
      preconditions: { uid },
      propagationPolicy: 'Background',
      ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
    });
    view.learnDeletion(kind, object, timestamp(now()));
  } catch (error) {
    if (!isNotFound(error)) throw error;
    view.forget(kind, object);
  }
}

async function bind({ pod, node }: Extract<Action, { do: 'bind' }>, { client }: ControllerContext): Promise<void> {
  const { name, namespace, uid } = pod.metadata;
  await client.createSubresource(KINDS.pods, named(name, namespace), 'binding', {
    apiVersion: 'v1',
    kind: 'Binding',
    metadata: { name, namespace, uid },
    target: { apiVersion: 'v1', kind: 'Node', name: node },
  } as KubeObject);
}

/** Events are for people: writing them neither holds up nor fails the work that they tell of. */
function record(action: EventAction, { client, log, now, eventSuffix }: ControllerContext): void {
  client.create(EVENTS, eventObject(action, now(), eventSuffix())).catch((error: unknown) => {
    log.debug('cannot record an event', { reason: action.reason, error: messageOf(error) });
  });
}

function named(name: string, namespace: string | undefined): { name: string; namespace?: string } {
  return namespace === undefined ? { name } : { name, namespace };
}
