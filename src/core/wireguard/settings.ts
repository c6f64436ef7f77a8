import type { Family } from '../../base/ip/index.ts';
import { integerSetting, mtuSetting, switchSetting } from '../policy/calico/felix-fields.ts';
import { calicoScopeAt } from '../policy/calico/scope.ts';
import type { CalicoScope } from '../policy/calico/scope.ts';
import type { Converted } from '../policy/calico/converted.ts';
import type { PolicyObject } from '../policy/normalise/registry.ts';
import { isRecord } from '../policy/normalise/scope.ts';
import type { Locate } from '../policy/normalise/scope.ts';
import type { WireguardFamilySettings, WireguardSettings } from './types.ts';

/** Calico's values for everything that a FelixConfiguration leaves open. */
export const DEFAULT_WIREGUARD: WireguardSettings = {
  4: { enabled: false, port: 51820, mtu: 0 },
  6: { enabled: false, port: 51821, mtu: 0 },
  rulePriority: 99,
  keepaliveSeconds: 0,
};

/** Seconds in the units of a duration as Go writes it (`1m30s`). */
const UNITS: Readonly<Record<string, number>> = { h: 3600, m: 60, s: 1, ms: 1e-3, us: 1e-6, µs: 1e-6, ns: 1e-9 };
/** Priorities between the kernel's own rules for `local` and `main`. */
const PRIORITIES = [1, 32_765] as const;
/** The kernel keeps it in 16 bits, seconds. */
const KEEPALIVE = [0, 65_535] as const;

/**
 * What a FelixConfiguration says of WireGuard; the cluster's is the one named `default`. A value that cannot be used is
 * reported and counts as not set.
 */
export function wireguardSettings(object: PolicyObject, locate?: Locate): Converted<WireguardSettings> {
  const scope = calicoScopeAt(object, locate);
  const fields = isRecord(object.spec) ? object.spec : {};
  const value: WireguardSettings = {
    4: readFamily(fields, 4, scope),
    6: readFamily(fields, 6, scope),
    rulePriority:
      integerSetting(fields, 'wireguardRoutingRulePriority', PRIORITIES, scope) ?? DEFAULT_WIREGUARD.rulePriority,
    keepaliveSeconds: readKeepalive(fields['wireguardPersistentKeepAlive'], scope),
  };
  if (fields['wireguardHostEncryptionEnabled'] === true)
    scope.report(
      'spec.wireguardHostEncryptionEnabled',
      'encryption of what nodes themselves send is not supported; pods’ packets are encrypted all the same',
    );
  return { value, issues: scope.issues };
}

function readFamily(
  fields: Readonly<Record<string, unknown>>,
  family: Family,
  scope: CalicoScope,
): WireguardFamilySettings {
  const suffix = family === 4 ? '' : 'V6';
  const usual = DEFAULT_WIREGUARD[family];
  return {
    enabled: switchSetting(fields, `wireguardEnabled${suffix}`, scope),
    port: integerSetting(fields, `wireguardListeningPort${suffix}`, [1, 65_535], scope) ?? usual.port,
    mtu: mtuSetting(fields, `wireguardMTU${suffix}`, family, scope),
  };
}

function readKeepalive(value: unknown, scope: CalicoScope): number {
  if (value === undefined || value === null || value === '' || value === '0') return 0;
  const parts = typeof value === 'string' ? [...value.matchAll(/(\d+(?:\.\d+)?)(h|ms|us|µs|ns|m|s)/gu)] : [];
  const seconds = parts.reduce((sum, [, number, unit]) => sum + Number(number) * UNITS[unit!]!, 0);
  if (parts.length > 0 && parts.map(([all]) => all).join('') === value && seconds <= KEEPALIVE[1])
    return Math.ceil(seconds);
  scope.report(
    'spec.wireguardPersistentKeepAlive',
    'must be a duration such as 25s, at most 18h12m; until then it is 0',
  );
  return DEFAULT_WIREGUARD.keepaliveSeconds;
}
