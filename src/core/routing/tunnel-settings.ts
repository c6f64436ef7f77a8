import { unsupportedSettings } from '../kube/unsupported-settings.ts';
import { integerSetting, mtuSetting, switchSetting } from '../policy/calico/felix-fields.ts';
import { calicoScopeAt } from '../policy/calico/scope.ts';
import type { CalicoScope } from '../policy/calico/scope.ts';
import type { Converted } from '../policy/calico/converted.ts';
import type { PolicyObject } from '../policy/normalise/registry.ts';
import { isRecord } from '../policy/normalise/scope.ts';
import type { Locate } from '../policy/normalise/scope.ts';
import type { RoutingSettings } from './types.ts';

/** What the cluster's FelixConfiguration says of tunnels. */
export interface TunnelSettings {
  /** Network identifier and UDP port, where they are not the usual ones. */
  readonly vxlan: { readonly vni?: number; readonly port?: number };
  /** MTUs of devices that somebody has set; absent: none. */
  readonly mtu?: RoutingSettings['mtu'] & {};
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
 * used is reported and counts as not set, and so is a setting that nothing follows.
 */
export function tunnelSettings(object: PolicyObject, locate?: Locate): Converted<TunnelSettings> {
  const scope = calicoScopeAt(object, locate);
  const fields = isRecord(object.spec) ? object.spec : {};
  const vni = integerSetting(fields, 'vxlanVNI', VNI, scope);
  const port = integerSetting(fields, 'vxlanPort', PORT, scope);
  const mtu = readMtus(fields, scope);
  const broken = readDetection(fields['featureDetectOverride'], scope);
  for (const { field, message } of unsupportedSettings('FelixConfiguration', fields))
    scope.report(`spec.${field}`, message);
  const value: TunnelSettings = {
    vxlan: { ...(vni === undefined ? {} : { vni }), ...(port === undefined ? {} : { port }) },
    fromPods: {
      vxlan: switchSetting(fields, 'allowVXLANPacketsFromWorkloads', scope),
      ipip: switchSetting(fields, 'allowIPIPPacketsFromWorkloads', scope),
    },
    ...(Object.keys(mtu).length === 0 ? {} : { mtu }),
    ...(broken === undefined ? {} : { checksumOffloadBroken: broken }),
  };
  return { value, issues: scope.issues };
}

/** One VXLAN device carries both families of pods here, so it is the family of the nodes' addresses that chooses. */
function readMtus(fields: Readonly<Record<string, unknown>>, scope: CalicoScope): RoutingSettings['mtu'] & {} {
  const v4 = mtuSetting(fields, 'vxlanMTU', 4, scope);
  const v6 = mtuSetting(fields, 'vxlanMTUV6', 6, scope);
  const ipip = mtuSetting(fields, 'ipipMTU', 4, scope);
  const vxlan = { ...(v4 === 0 ? {} : { 4: v4 }), ...(v6 === 0 ? {} : { 6: v6 }) };
  return { ...(v4 + v6 === 0 ? {} : { vxlan }), ...(ipip === 0 ? {} : { ipip }) };
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
