import { sha256 } from '../../base/sha256.ts';
import type { KubeObject } from './types.ts';

/** What a warning is about, and who gives it. */
export interface Warning {
  /** The object: its kind and who it is. */
  readonly about: {
    readonly apiVersion: string;
    readonly kind: string;
    readonly namespace: string;
    readonly name: string;
    readonly uid: string;
  };
  /** In UpperCamelCase. */
  readonly reason: string;
  readonly message: string;
  /** Warnings of one name are one object. */
  readonly identity: string;
  readonly source: { readonly component: string; readonly host?: string };
  /** Epoch milliseconds. */
  readonly now: number;
}

/** What the note of an Event in group events.k8s.io may have at most. */
const LONGEST_MESSAGE = 1024;

/** An Event of type Warning, in the namespace of what it is about. */
export function warningEvent({ about, reason, message, identity, source, now }: Warning): KubeObject {
  const time = new Date(now).toISOString().replace(/\.\d+Z$/, 'Z');
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { namespace: about.namespace, name: `${about.name}.${sha256(identity).slice(0, 16)}` },
    involvedObject: about,
    reason,
    message: message.slice(0, LONGEST_MESSAGE),
    type: 'Warning',
    source,
    firstTimestamp: time,
    lastTimestamp: time,
    count: 1,
  } as KubeObject;
}
