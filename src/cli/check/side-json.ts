import type { DirectionVerdict } from '../../core/policy/flow.ts';
import type { SourceRef } from '../../core/policy/model.ts';

/** What decided one side, as data: `null` for what had no part in it. */
export interface SideJson {
  readonly verdict: 'allow' | 'deny';
  /** `rule`, `default` (policies select the pod and none has a rule for this), `unselected`, `no-pod`, and so on. */
  readonly kind: DirectionVerdict['kind'];
  readonly tier: string | null;
  /** Of several that isolate the pod the first. */
  readonly policy: string | null;
  /** Index in the policy's list of rules. */
  readonly rule: number | null;
  readonly source: SourceJson | null;
  /** When no rule matched: all policies that select the pod. */
  readonly policies?: readonly string[];
  /** The host endpoint that was asked. */
  readonly host?: string;
  /** Tiers that passed before, with what in them did. */
  readonly passes?: readonly { readonly tier: string; readonly policy: string | null; readonly rule: number | null }[];
}

/** A place in a policy, and in its file when it was read from one. */
export interface SourceJson {
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  readonly path: string;
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
}

/** The side as data. */
export function sideJson(side: DirectionVerdict): SideJson {
  const { kind, allowed, passes, host } = side;
  return {
    verdict: allowed ? 'allow' : 'deny',
    kind,
    ...decider(side),
    ...(host === undefined ? {} : { host: host.name }),
    ...(passes.length === 0
      ? {}
      : {
          passes: passes.map(({ tier, policy, rule }) => ({
            tier: tier.name,
            policy: policy?.key ?? null,
            rule: rule?.index ?? null,
          })),
        }),
  };
}

type Decider = Pick<SideJson, 'tier' | 'policy' | 'rule' | 'source' | 'policies'>;

function decider(side: DirectionVerdict): Decider {
  switch (side.kind) {
    case 'rule':
      return {
        tier: side.tier.name,
        policy: side.policy.key,
        rule: side.rule.index,
        source: sourceJson(side.rule.source),
      };
    case 'default': {
      const [first] = side.policies;
      return {
        tier: side.tier.name,
        policy: first?.key ?? null,
        rule: null,
        source: first === undefined ? null : sourceJson(first.source),
        policies: side.policies.map(({ key }) => key),
      };
    }
    case 'profile':
      return {
        tier: null,
        policy: `Profile/${side.profile}`,
        rule: side.rule.index,
        source: sourceJson(side.rule.source),
      };
    case 'no-pod':
    case 'unselected':
    case 'host-default':
    case 'failsafe':
    case 'endpoint-to-host':
      return { tier: null, policy: null, rule: null, source: null };
  }
}

/** Copied, since a source may compute its position only when asked. */
function sourceJson({ kind, namespace, name, path, file, line, column }: SourceRef): SourceJson {
  return {
    kind,
    ...(namespace === undefined ? {} : { namespace }),
    name,
    path,
    ...(file === undefined ? {} : { file }),
    ...(line === undefined ? {} : { line }),
    ...(column === undefined ? {} : { column }),
  };
}
