import { formatBandwidth, parseBandwidth } from './bandwidth.ts';
import type { Bandwidth } from './bandwidth.ts';
import { CNI_ERROR, CniError } from './errors.ts';
import { formatPortMappings, parsePortMappings } from './port-mappings.ts';
import type { PortMapping } from './port-mappings.ts';

/** What a runtime asks of a pod's network by the capabilities that the plugin's configuration declares. */
export interface Capabilities {
  readonly hostPorts?: readonly PortMapping[];
  readonly bandwidth?: Bandwidth;
}

/**
 * Reads `runtimeConfig`; capabilities that are not ours are ignored, and what asks for nothing is absent. Throws one
 * {@link CniError} (code 7) with all that is wrong.
 */
export function parseRuntimeConfig(config: Readonly<Record<string, unknown>> | undefined): Capabilities {
  const problems: string[] = [];
  const hostPorts = parsePortMappings(config?.['portMappings'], problems);
  const bandwidth = parseBandwidth(config?.['bandwidth'], problems);
  if (problems.length > 0)
    throw new CniError(CNI_ERROR.invalidNetworkConfig, `invalid runtimeConfig: ${problems.join('; ')}`);
  return { ...(hostPorts.length === 0 ? {} : { hostPorts }), ...(bandwidth === undefined ? {} : { bandwidth }) };
}

/** Inverse of {@link parseRuntimeConfig}; undefined where nothing is asked for. */
export function formatRuntimeConfig({
  hostPorts,
  bandwidth,
}: Capabilities): Readonly<Record<string, unknown>> | undefined {
  if (hostPorts === undefined && bandwidth === undefined) return undefined;
  return {
    ...(hostPorts === undefined ? {} : { portMappings: formatPortMappings(hostPorts) }),
    ...(bandwidth === undefined ? {} : { bandwidth: formatBandwidth(bandwidth) }),
  };
}
