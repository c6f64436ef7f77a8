import type { IpamConfig } from './types.ts';

/** `IPAMConfig.spec` of `crd.projectcalico.org/v1`, of which there is one, named `default`. */
export interface IpamConfigSpec {
  readonly strictAffinity?: boolean;
  readonly autoAllocateBlocks?: boolean;
  /** 0 and absent stand for the default. */
  readonly maxBlocksPerHost?: number;
}

/** Name of the one IPAMConfig. */
export const IPAM_CONFIG_NAME = 'default';

/** The rules of a cluster that has no IPAMConfig; Calico's (libcalico-go/lib/ipam: at most 20 blocks unless configured). */
export const DEFAULT_IPAM_CONFIG: IpamConfig = {
  strictAffinity: false,
  autoAllocateBlocks: true,
  maxBlocksPerHost: 20,
};

/** Reads the spec of an IPAMConfig; what is absent or of no use has its default. */
export function decodeConfig(spec: IpamConfigSpec | undefined): IpamConfig {
  const { strictAffinity, autoAllocateBlocks, maxBlocksPerHost } = { ...DEFAULT_IPAM_CONFIG, ...spec };
  return {
    strictAffinity: strictAffinity === true,
    autoAllocateBlocks: autoAllocateBlocks !== false,
    maxBlocksPerHost:
      Number.isInteger(maxBlocksPerHost) && maxBlocksPerHost > 0
        ? maxBlocksPerHost
        : DEFAULT_IPAM_CONFIG.maxBlocksPerHost,
  };
}
