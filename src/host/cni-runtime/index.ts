export type { CniRuntime, CniRuntimeOptions, NetworkList, RuntimeAttachment } from './types.ts';
