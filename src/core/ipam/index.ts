export type { AllocateOutcome, Allocator, AllocatorDependencies, AllocatorOptions } from './allocator.ts';
export { addressAt, emptyBlock, ordinalOf, releaseOrdinals } from './block.ts';
export {
  RELEASED_ANNOTATION,
  decodeAffinity,
  decodeBlock,
  decodeHandle,
  decodePool,
  encodeAffinity,
  encodeBlock,
  encodeHandle,
} from './codec.ts';
export type { BlockAffinitySpec, IpamBlockSpec, IpamHandleSpec, IpamResource, IpPoolSpec } from './codec.ts';
export { checkState } from './check-state.ts';
export type { IpamProblem, IpamState } from './check-state.ts';
export { createAllocator } from './create-allocator.ts';
export { defaultPools } from './default-pools.ts';
export { collectGarbage } from './garbage.ts';
export type { GarbageDependencies, GarbageOptions, GarbageReport, World } from './garbage.ts';
export { planHandles } from './handles.ts';
export type { BlockHolders, HandlePlan, IpamHandle } from './handles.ts';
export { BOOT_ATTRIBUTE, BOOT_ID, parseHostLocalFile, planHostAddresses, planImport } from './import-host-local.ts';
export type { HostLocalLease, ImportPlan, RunningPod } from './import-host-local.ts';
export { MemoryBlockStore } from './memory-store.ts';
export {
  affinityName,
  blockName,
  handleOf,
  handleParts,
  isTunnelHandle,
  LOAD_BALANCERS,
  tunnelHandle,
} from './names.ts';
export { OPEN_POOL } from './open-pool.ts';
export { ADDRESSING_PREFIX, podAddressing } from './pod-addressing.ts';
export type { PodAddressing } from './pod-addressing.ts';
export { blockAround, defaultBlockSize, validatePool } from './pool.ts';
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
export { borrowedIn, holderText, lookUp, usageOf } from './usage.ts';
export type { PoolUsage } from './usage.ts';
