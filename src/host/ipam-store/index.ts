export { kubeBlockStore } from './kube-block-store.ts';
export type { KubeBlockStoreDependencies } from './kube-block-store.ts';
