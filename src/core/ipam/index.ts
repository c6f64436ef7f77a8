export type { AllocateOutcome, Allocator, AllocatorDependencies, AllocatorOptions } from './allocator.ts';
export { addressAt, emptyBlock } from './block.ts';
export { RELEASED_ANNOTATION, decodeAffinity, decodeBlock, decodePool, encodeAffinity, encodeBlock } from './codec.ts';
export type { BlockAffinitySpec, IpamBlockSpec, IpamResource, IpPoolSpec } from './codec.ts';
export { createAllocator } from './create-allocator.ts';
export { defaultPools } from './default-pools.ts';
export { collectGarbage } from './garbage.ts';
export type { GarbageDependencies, GarbageOptions, GarbageReport, World } from './garbage.ts';
export { parseHostLocalFile, planImport } from './import-host-local.ts';
export type { HostLocalLease, ImportPlan, RunningPod } from './import-host-local.ts';
export { MemoryBlockStore } from './memory-store.ts';
export { affinityName, blockName, handleOf, tunnelHandle } from './names.ts';
export { defaultBlockSize, validatePool } from './pool.ts';
export { DEFAULT_IPAM_CONFIG, IPAM_CONFIG_NAME, decodeConfig } from './config.ts';
export type { IpamConfigSpec } from './config.ts';
export type { BlockStore, Stored } from './store.ts';
export type {
  Affinity,
  AffinityState,
  AllocateRequest,
  Allocation,
  AssignedAddress,
  Assignment,
  Block,
  IpamConfig,
  IpamErrorCode,
  IpPool,
  PoolEncapsulation,
  PoolUse,
} from './types.ts';
