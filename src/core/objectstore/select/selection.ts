import { parseLabelQuery } from '../../kube/label-query.ts';
import { matchesLabels, type Selector } from '../../kube/labels.ts';
import { badRequest } from '../api-error.ts';
import type { ApiObject } from '../api-object.ts';
import type { ResourceDefinition } from '../resource-definition.ts';
import { entryOf, type ChangeEvent, type Entry } from '../versioned-store.ts';
import { parseFieldQuery } from './field-query.ts';

/** Which objects of a resource a request is about; '' or absent means all. */
export interface Selection {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

/** The test that a selection amounts to; throws BadRequest when a selector cannot be read. */
export function selectionTest(definition: ResourceDefinition, selection: Selection): (object: ApiObject) => boolean {
  const { namespace = '', labelSelector = '', fieldSelector = '' } = selection;
  if (namespace === '' && labelSelector === '' && fieldSelector === '') return () => true;
  const labels = readLabelQuery(labelSelector);
  const fields = parseFieldQuery(fieldSelector, definition);
  return (object) =>
    (namespace === '' || object.metadata.namespace === namespace) &&
    matchesLabels(labels, object.metadata.labels) &&
    fields(object);
}

function readLabelQuery(text: string): Selector {
  const query = parseLabelQuery(text);
  if ('problem' in query) throw badRequest(`unable to parse label selector ${JSON.stringify(text)}: ${query.problem}`);
  return query.selector;
}

/** What one watcher sees of a change. `entry` is shared by all watchers of the same change. */
export interface SeenChange {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly entry: Entry;
}

/**
 * How a change looks through a selection: an object that begins to match is ADDED, one that ceases to match is DELETED
 * (as it last matched, at the new version). Undefined when it never matched.
 */
export function seenThrough(event: ChangeEvent, test: (object: ApiObject) => boolean): SeenChange | undefined {
  const was = event.previous !== undefined && test(event.previous.object);
  if (event.type === 'DELETED') return was ? { type: 'DELETED', entry: event.entry } : undefined;
  const is = test(event.entry.object);
  if (is) return { type: was ? 'MODIFIED' : 'ADDED', entry: event.entry };
  if (!was) return undefined;
  const { namespace, name, object } = event.previous!;
  const last = { ...object, metadata: { ...object.metadata } };
  return { type: 'DELETED', entry: entryOf(namespace, name, last, event.revision) };
}

/** Reads a resourceVersion that a client sent back; anything but a whole number throws BadRequest. */
export function parseRevision(text: string): number {
  const revision = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(revision)) return revision;
  throw badRequest(`invalid resource version ${JSON.stringify(text)}: must be a whole number`);
}
