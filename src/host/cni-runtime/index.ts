export { createCniRuntime } from './create-runtime.ts';
export { loadNetworkList, parseNetworkList } from './network-list.ts';
export { runPlugin } from './run-plugin.ts';
export type { PluginCall } from './run-plugin.ts';
export type { CniRuntime, CniRuntimeOptions, NetworkList, RuntimeAttachment } from './types.ts';
