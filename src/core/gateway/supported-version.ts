import { fails, holds } from './verdict.ts';
import type { Verdict } from './verdict.ts';

/** Where a definition of the Gateway API says of which release it is. */
export const BUNDLE_VERSION = 'gateway.networking.k8s.io/bundle-version';

/** Releases of `v1` whose definitions are known here, from the first to this one. */
const LATEST_MINOR = 6;

/**
 * Whether the Gateway API's definitions of a cluster, releases by names of definitions (empty where one says none), are all
 * known. What has another release is served as far as it is understood. Undefined where no definition is seen.
 */
export function supportedVersion(definitions: ReadonlyMap<string, string>): Verdict | undefined {
  if (definitions.size === 0) return undefined;
  const all = [...definitions].sort(([a], [b]) => (a < b ? -1 : 1));
  const strange = all.filter(([, version]) => !isKnown(version));
  const known = `known are v1.0 to v1.${LATEST_MINOR}`;
  if (strange.length === 0) {
    const versions = [...new Set(all.map(([, version]) => version))].join(', ');
    return holds('SupportedVersion', 'SupportedVersion', `the definitions are of ${versions}; ${known}`);
  }
  const told = strange.map(
    ([name, version]) => `${name} is of ${version === '' ? 'no release' : version.slice(0, 40)}`,
  );
  return fails('SupportedVersion', 'UnsupportedVersion', `${told.join(', ')}; ${known}`);
}

function isKnown(version: string): boolean {
  const [, minor] = /^v1\.(\d{1,3})\.\d+(?:[-+].*)?$/.exec(version) ?? [];
  return minor !== undefined && Number(minor) <= LATEST_MINOR;
}
