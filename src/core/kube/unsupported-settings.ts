/** A setting of one of Calico's kinds that nothing here follows. */
interface UnsupportedSetting {
  readonly kind: 'BGPConfiguration' | 'FelixConfiguration';
  readonly field: string;
  /** Values that say what is done anyway. */
  readonly harmless?: readonly string[];
  readonly message: string;
}

const ROUTES =
  'is not followed: the agent programs the routes of pools with a tunnel, and BIRD those of pools without one';
const WORKLOADS = 'is not supported: nodes have no BGP sessions with pods';

/** github.com/projectcalico/api, pkg/apis/projectcalico/v3, `bgpconfig.go` and `felixconfig.go`. */
const UNSUPPORTED: readonly UnsupportedSetting[] = [
  { kind: 'BGPConfiguration', field: 'localWorkloadPeeringIPV4', message: WORKLOADS },
  { kind: 'BGPConfiguration', field: 'localWorkloadPeeringIPV6', message: WORKLOADS },
  {
    kind: 'BGPConfiguration',
    field: 'programClusterRoutes',
    // Until there were four values, the first of these was the default; since then the second is.
    harmless: ['Enabled', 'EnabledNoEncapOnly'],
    message: ROUTES,
  },
  {
    kind: 'FelixConfiguration',
    field: 'programClusterRoutes',
    harmless: ['Disabled', 'EnabledIPIPOnly'],
    message: ROUTES,
  },
];

/** What a BGPConfiguration's or FelixConfiguration's spec asks for that has no effect, field by field. */
export function unsupportedSettings(
  kind: string | undefined,
  spec: unknown,
): readonly Pick<UnsupportedSetting, 'field' | 'message'>[] {
  const fields = typeof spec === 'object' && spec !== null ? (spec as Readonly<Record<string, unknown>>) : {};
  return UNSUPPORTED.filter((setting) => {
    const value = fields[setting.field] ?? '';
    return setting.kind === kind && value !== '' && setting.harmless?.includes(value as string) !== true;
  });
}
