import type { LabOptions, LabPaths, LabPhase, LabStatus } from '../lab-types.ts';

/** What `startLab` hands to the supervisor's process, as JSON in the environment variable {@link SUPERVISOR_CONFIG}. */
export interface SupervisorConfig {
  readonly options: LabOptions;
  readonly paths: LabPaths;
  readonly cacheDir: string;
  readonly repository: string;
  readonly node: string;
  readonly busybox: { readonly path: string; readonly applets: readonly string[] };
  /** Host directories whose CNI plugins every node gets. */
  readonly pluginSources: readonly string[];
  /** Whether whoever starts the cluster is not root. */
  readonly rootless: boolean;
}

/** Name of the environment variable with a {@link SupervisorConfig}. */
export const SUPERVISOR_CONFIG = 'SLUICE_SUPERVISOR';

/** Messages from the supervisor to whoever started it, until the cluster is ready. */
export type SupervisorMessage =
  | { readonly kind: 'phase'; readonly phase: LabPhase }
  | { readonly kind: 'ready'; readonly status: LabStatus }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string };
