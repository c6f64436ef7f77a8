import type { KubeletConfig } from '../config.ts';
import type { LiveFields } from './field-ref.ts';
import type { ObjectSource } from './object-source.ts';
import type { Sandbox } from './sandbox.ts';
import type { NodePod } from './types.ts';

/** What the containers of a pod share and how they tell of themselves. */
export interface PodContext {
  readonly config: KubeletConfig;
  readonly pod: NodePod;
  readonly sandbox: Sandbox;
  readonly source: ObjectSource;
  /** Volume name → path on the node. */
  readonly volumes: ReadonlyMap<string, string>;
  /** The pod's own directory on the node. */
  readonly directory: string;
  readonly hostname: string;
  /** Paths of the pod's files for /etc. */
  readonly etc: Readonly<Record<'hosts' | 'hostname' | 'resolv.conf', string>>;
  readonly canSwitchUser: boolean;
  /** Aborts when grace periods are over: the pod is to go at once. */
  readonly hurry: AbortSignal;
  live(): LiveFields;
  serviceEnv(): Readonly<Record<string, string>>;
  event(type: 'Normal' | 'Warning', reason: string, message: string): void;
  /** Something that the pod's status shows has changed. */
  changed(): void;
}
