import { parseCidr } from '../../base/ip/index.ts';
import type { Family } from '../../base/ip/index.ts';
import { CNI_ERROR, CniError } from './errors.ts';

type Config = Readonly<Record<string, unknown>>;

/** What stands for the node's own range of pod addresses in a configuration of host-local, in Calico's words. */
const POD_CIDR: Readonly<Record<string, Family>> = { usePodCidr: 4, usePodCidrIPv6: 6 };

/** The plugin that gives out the pod's addresses where that is not the agent: `host-local`, or undefined. */
export function delegatedIpam(config: Config): string | undefined {
  const { ipam } = config;
  return isObject(ipam) && ipam['type'] === 'host-local' ? 'host-local' : undefined;
}

/**
 * The configuration as that plugin is to read it: the node's `podCidrs` in the places that leave them open. Throws a
 * {@link CniError} (code 7) when the node has none of a family that is asked for.
 */
export function withPodCidrs(config: Config, podCidrs: readonly string[]): Config {
  const fill = (range: Config): Config => {
    const family = POD_CIDR[String(range['subnet'])];
    if (family === undefined) return range;
    const subnet = podCidrs.find((text) => parseCidr(text)?.ip.family === family);
    if (subnet !== undefined) return { ...range, subnet };
    throw new CniError(
      CNI_ERROR.invalidNetworkConfig,
      `ipam: ${String(range['subnet'])}: the node has no IPv${family} podCIDR (spec.podCIDRs)`,
    );
  };
  const ipam = config['ipam'] as Config;
  const ranges = ipam['ranges'];
  const filled = Array.isArray(ranges)
    ? ranges.map((set: unknown) => (Array.isArray(set) ? set.map((range: Config) => fill(range)) : set))
    : undefined;
  return { ...config, ipam: { ...fill(ipam), ...(filled === undefined ? {} : { ranges: filled }) } };
}

/** As {@link withPodCidrs}, to give addresses back: they are found by their container, whatever the ranges are. */
export function withAnyCidrs(config: Config): Config {
  return withPodCidrs(config, ['0.0.0.0/0', '::/0']);
}

function isObject(value: unknown): value is Config {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
