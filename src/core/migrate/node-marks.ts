import type { Node } from '../kube/types.ts';
import type { NodeMark } from './model.ts';

/**
 * Label of nodes: `sluice` runs Sluice, `none` neither network, and without it the network before. (The agent knows it, too:
 * see app/agent/other-networks.ts.)
 */
export const NETWORK_LABEL = 'sluice.dev/network';
/** Label of a node that is given back: the agents of the network before run on it, too, until Sluice's have gone. */
export const BESIDE_LABEL = 'sluice.dev/beside';
/** Annotation of a node on its way: which phase it is in. */
export const PHASE_ANNOTATION = 'sluice.dev/migration';
/** Annotation of a node on its way that took no pods before either; it stays so. */
const CORDONED_ANNOTATION = 'sluice.dev/cordoned-before';

/** What a Node says. */
export function markOf(node: Node): { readonly network: string | undefined; readonly phase: string | undefined } {
  return {
    network: node.metadata?.labels?.[NETWORK_LABEL],
    phase: node.metadata?.annotations?.[PHASE_ANNOTATION],
  };
}

/** The merge patch that makes a Node say it: one request, so that no half of it is ever there. */
export function markPatch({ network, phase, beside }: NodeMark, node: Node): object {
  const said = {
    ...(network === undefined ? {} : { [NETWORK_LABEL]: network }),
    ...(beside === undefined ? {} : { [BESIDE_LABEL]: beside ? 'true' : null }),
  };
  const labels = Object.keys(said).length === 0 ? {} : { labels: said };
  const wasCordoned = node.metadata?.annotations?.[CORDONED_ANNOTATION] !== undefined;
  const isFirst = markOf(node).phase === undefined && phase !== null;
  const keeps = isFirst ? node.spec?.unschedulable === true : wasCordoned;
  if (phase === null) {
    const annotations = { [PHASE_ANNOTATION]: null, [CORDONED_ANNOTATION]: null };
    return { metadata: { ...labels, annotations }, ...(keeps ? {} : { spec: { unschedulable: null } }) };
  }
  const annotations = { [PHASE_ANNOTATION]: phase, ...(isFirst && keeps ? { [CORDONED_ANNOTATION]: 'true' } : {}) };
  return { metadata: { ...labels, annotations }, spec: { unschedulable: true } };
}
