import type { LintRule, RuleMeta } from './model.ts';
import { STRUCTURE_RULES } from './structure.ts';
import { andForOr } from './rules/and-for-or.ts';
import { blockOfOnePod, blockOfServices, emptyBlock, hostBits, oneFamily } from './rules/block.ts';
import { contradictorySelector } from './rules/contradictory-selector.ts';
import { duplicateObject } from './rules/duplicate-object.ts';
import { egressWithoutDns } from './rules/egress-without-dns.ts';
import { emptyList } from './rules/empty-list.ts';
import { halfOpenRule } from './rules/half-open-rule.ts';
import { ingressBackend } from './rules/ingress-backend.ts';
import { missingReferenceGrant } from './rules/missing-reference-grant.ts';
import { namedPort } from './rules/named-port.ts';
import { namespaceLabelOnPods } from './rules/namespace-label-on-pods.ts';
import { namespaceNameLabel } from './rules/namespace-name-label.ts';
import { namespaceSelectorMatchesNothing } from './rules/namespace-selector-matches-nothing.ts';
import { notUnderstood } from './rules/not-understood.ts';
import { orForAnd } from './rules/or-for-and.ts';
import { orderTie } from './rules/order-tie.ts';
import { overlappingPools } from './rules/overlapping-pools.ts';
import { peerMatchesNothing } from './rules/peer-matches-nothing.ts';
import { policySelectsNothing } from './rules/policy-selects-nothing.ts';
import { policyTypes } from './rules/policy-types.ts';
import { redundantPolicy } from './rules/redundant-policy.ts';
import { redundantRule } from './rules/redundant-rule.ts';
import { routeBackend } from './rules/route-backend.ts';
import { routeParent } from './rules/route-parent.ts';
import { servicePort } from './rules/service-port.ts';
import { serviceSelectsNothing, serviceTargetPort } from './rules/service-selects-nothing.ts';
import { shadowedRule } from './rules/shadowed-rule.ts';
import { unintendedIsolation } from './rules/unintended-isolation.ts';
import { unknownNamespace } from './rules/unknown-namespace.ts';
import { unknownTier } from './rules/unknown-tier.ts';
import { unreachableBackend, unreachableService } from './rules/unreachable-service.ts';
import { unsupportedSetting } from './rules/unsupported-setting.ts';

/** Rules about what was loaded as a whole, in no particular order. */
export const CLUSTER_RULES: readonly LintRule[] = [
  andForOr,
  blockOfOnePod,
  blockOfServices,
  contradictorySelector,
  duplicateObject,
  egressWithoutDns,
  emptyBlock,
  emptyList,
  halfOpenRule,
  hostBits,
  ingressBackend,
  missingReferenceGrant,
  namedPort,
  namespaceLabelOnPods,
  namespaceNameLabel,
  namespaceSelectorMatchesNothing,
  notUnderstood,
  oneFamily,
  orForAnd,
  orderTie,
  overlappingPools,
  peerMatchesNothing,
  policySelectsNothing,
  policyTypes,
  redundantPolicy,
  redundantRule,
  routeBackend,
  routeParent,
  servicePort,
  serviceSelectsNothing,
  serviceTargetPort,
  shadowedRule,
  unintendedIsolation,
  unknownNamespace,
  unknownTier,
  unreachableBackend,
  unreachableService,
  unsupportedSetting,
];

/** Every rule, those about structure first, each group by id. */
export const ALL_RULES: readonly RuleMeta[] = [
  ...Object.values(STRUCTURE_RULES).toSorted((a, b) => (a.id < b.id ? -1 : 1)),
  ...CLUSTER_RULES.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
];
