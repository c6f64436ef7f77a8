import type { BaseOptions } from './base-options.ts';
import { balancedAnywhere, balancedChains, balancedOutput, balancedPrerouting } from './balanced.ts';
import { TEACHES, teaching } from './fast-path.ts';
import { hostPortChain, toHostPort } from './host-ports.ts';
import { CT_STATE, TCP_FLAG } from './model.ts';
import type { Chain, Rule, Statement } from './model.ts';
import { KNOWN, KNOWN_OR_CUT, policyRules, sharedRules, spoofRules } from './policy-rules.ts';
import { PROXIED_ANSWERS, proxiedChains } from './proxied.ts';
import { outerPeerRules, returnPathEnd, returnPathRules } from './return-paths.ts';
import {
  loopRules,
  nodePortTranslation,
  ownAddressRefusal,
  ownNodePort,
  REFUSE,
  REFUSALS,
  refusalRules,
  toOutsideService,
  toService,
} from './service-rules.ts';
import { postroutingRules } from './source-translation.ts';
import { rawOverlay } from './untracked-overlay.ts';
import {
  comesFrom,
  CT_MARK,
  hasCtMark,
  hasState,
  isTcp,
  leavesBy,
  LISTED_INTERFACES,
  OWN_INTERFACES,
  verdict,
} from './statements.ts';

/** What needs no refusal: known connections, and what was left out of connection tracking. */
const NOT_NEW: Rule = [hasState(CT_STATE.ESTABLISHED | CT_STATE.RELATED | CT_STATE.UNTRACKED), verdict('accept')];

/** The first packets of TCP, of both sides. */
const isOpening: readonly Statement[] = [
  isTcp,
  {
    kind: 'compare',
    field: 'tcp flags',
    mask: TCP_FLAG.SYN | TCP_FLAG.RST,
    op: '==',
    value: TCP_FLAG.SYN,
  },
];

const SEGMENT_SIZES = 'segment-sizes';

/** The chains that exist whatever the cluster holds. All that varies besides {@link BaseOptions} is in sets. */
export function baseChains(options: BaseOptions): readonly Chain[] {
  const { families } = options;
  const overlay = rawOverlay(options);
  const clamped: readonly Rule[] =
    options.tunnels.length === 0 ? [] : [[...isOpening, verdict(`jump ${SEGMENT_SIZES}`)]];
  return [
    {
      name: 'raw-prerouting',
      hook: { type: 'filter', hook: 'prerouting', priority: -300 },
      rules: spoofRules(options, OWN_INTERFACES, overlay.elsewhere),
    },
    ...overlay.chains,
    {
      name: 'return-path',
      hook: { type: 'filter', hook: 'prerouting', priority: -150 },
      rules: [...returnPathRules(options), PROXIED_ANSWERS, ...balancedPrerouting(options)],
    },
    { name: SEGMENT_SIZES, rules: segmentSizes(options) },
    { name: 'node-ports', rules: nodePortTranslation(families) },
    hostPortChain(families),
    { name: REFUSE, rules: REFUSALS },
    {
      name: 'nat-prerouting',
      hook: { type: 'nat', hook: 'prerouting', priority: -100 },
      rules: [
        ...balancedAnywhere(options),
        ...families.flatMap((family): Rule[] => [
          [OWN_INTERFACES.from, ...ownNodePort(family)],
          [OWN_INTERFACES.from, ...toService(family)],
          [OWN_INTERFACES.notFrom, ...toOutsideService(family)],
        ]),
        [verdict('jump node-ports')],
        toHostPort,
      ],
    },
    {
      name: 'nat-output',
      hook: { type: 'nat', hook: 'output', priority: -100 },
      rules: [
        ...balancedOutput(options),
        ...families.flatMap((family) => [ownNodePort(family), toService(family)]),
        [verdict('jump node-ports')],
        toHostPort,
      ],
    },
    {
      name: 'service-output',
      hook: { type: 'filter', hook: 'output', priority: 0 },
      rules: [NOT_NEW, ...refusalRules(families)],
    },
    {
      name: 'service-input',
      hook: { type: 'filter', hook: 'input', priority: 0 },
      rules: [...outerPeerRules(options), NOT_NEW, ...ownAddressRefusal(families)],
    },
    {
      // A base chain costs each packet about as much as all the rules that it passes there, so all that is done to what
      // the node forwards is here, and only what an accept must not end is in a second one.
      name: 'egress',
      hook: { type: 'filter', hook: 'forward', priority: -10 },
      rules: [
        ...clamped,
        ...returnPathEnd(options),
        KNOWN,
        ...refusalRules(families),
        ...loopRules(options),
        // The other chain need not look for them.
        [OWN_INTERFACES.to, hasCtMark(CT_MARK.CUT), verdict('drop')],
        ...policyRules('egress', families, OWN_INTERFACES),
      ],
    },
    {
      name: 'ingress',
      hook: { type: 'filter', hook: 'forward', priority: 0 },
      rules: [TEACHES, KNOWN_OR_CUT, ...policyRules('ingress', families, OWN_INTERFACES)],
    },
    teaching(options.tunnels),
    ...proxiedChains(options),
    ...(options.balanced ? balancedChains(families, clamped) : []),
    {
      name: 'nat-postrouting',
      hook: { type: 'nat', hook: 'postrouting', priority: 100 },
      rules: postroutingRules(options),
    },
  ];
}

/**
 * The base chains where another network wires and routes the pods: policy and nothing else. Only interfaces in the set of
 * pods' interfaces concern them.
 */
export function policyOnlyChains({ families, barred }: Pick<BaseOptions, 'families' | 'barred'>): readonly Chain[] {
  const chain = (direction: 'egress' | 'ingress', priority: number): Chain => ({
    name: direction,
    hook: { type: 'filter', hook: 'forward', priority },
    rules: policyRules(direction, families, LISTED_INTERFACES, sharedRules(direction, families)),
  });
  return [
    {
      name: 'raw-prerouting',
      hook: { type: 'filter', hook: 'prerouting', priority: -300 },
      rules: spoofRules({ families, barred }, LISTED_INTERFACES),
    },
    chain('egress', -10),
    chain('ingress', 0),
  ];
}

/**
 * Pods keep the MTU that they were born with; a path that became narrower since, or whose routers keep silent about it,
 * would swallow their big packets.
 */
function segmentSizes({ tunnels }: BaseOptions): Rule[] {
  return tunnels.flatMap(({ interface: device }) =>
    [comesFrom(device), leavesBy(device)].map((crosses): Rule => [crosses, ...isOpening, { kind: 'clamp-mss' }]),
  );
}
