import { integerSetting, switchSetting } from '../policy/calico/felix-fields.ts';
import { calicoScopeAt } from '../policy/calico/scope.ts';
import type { CalicoScope } from '../policy/calico/scope.ts';
import type { Converted } from '../policy/calico/converted.ts';
import type { PolicyObject } from '../policy/normalise/registry.ts';
import { isRecord } from '../policy/normalise/scope.ts';
import type { Locate } from '../policy/normalise/scope.ts';

/** What the cluster's FelixConfiguration says of tunnels. */
export interface TunnelSettings {
  /** Network identifier and UDP port, where they are not the usual ones. */
  readonly vxlan: { readonly vni?: number; readonly port?: number };
  /** Whether pods may send packets that carry others, past the policies of whomever those are for. */
  readonly fromPods: { readonly vxlan: boolean; readonly ipip: boolean };
  /** Whether network cards garble the checksums of what VXLAN carries; undefined where it is to be found out. */
  readonly checksumOffloadBroken?: boolean;
}

/** Calico's values for everything that a FelixConfiguration leaves open. */
export const DEFAULT_TUNNELS: TunnelSettings = { vxlan: {}, fromPods: { vxlan: false, ipip: false } };

/** Identifiers have 24 bits (RFC 7348 §5). */
const VNI = [1, 0xffffff] as const;
const PORT = [1, 65_535] as const;

/**
 * The settings of a FelixConfiguration about tunnels; the cluster's is the one named `default`. A value that cannot be
 * used is reported and counts as not set.
 */
export function tunnelSettings(object: PolicyObject, locate?: Locate): Converted<TunnelSettings> {
  const scope = calicoScopeAt(object, locate);
  const fields = isRecord(object.spec) ? object.spec : {};
  const vni = integerSetting(fields, 'vxlanVNI', VNI, scope);
  const port = integerSetting(fields, 'vxlanPort', PORT, scope);
  const broken = readDetection(fields['featureDetectOverride'], scope);
  const value: TunnelSettings = {
    vxlan: { ...(vni === undefined ? {} : { vni }), ...(port === undefined ? {} : { port }) },
    fromPods: {
      vxlan: switchSetting(fields, 'allowVXLANPacketsFromWorkloads', scope),
      ipip: switchSetting(fields, 'allowIPIPPacketsFromWorkloads', scope),
    },
    ...(broken === undefined ? {} : { checksumOffloadBroken: broken }),
  };
  return { value, issues: scope.issues };
}

/** `Name=true,Name=false`: of the names only ChecksumOffloadBroken means something here, the others are of iptables. */
function readDetection(value: unknown, scope: CalicoScope): boolean | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  const pairs = typeof value === 'string' ? value.split(',').map((pair) => pair.trim().split('=')) : [[]];
  if (pairs.some((pair) => pair.length !== 2 || !/^(true|false)$/i.test(pair[1]!)))
    scope.report('spec.featureDetectOverride', 'must be pairs such as ChecksumOffloadBroken=true, separated by commas');
  const found = pairs.find(([name]) => name?.toLowerCase() === 'checksumoffloadbroken')?.[1]?.toLowerCase();
  return found === undefined ? undefined : found === 'true';
}
