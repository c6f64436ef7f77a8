import type { ClusterObject, Plan } from './model.ts';
import { NETWORK_LABEL } from './node-marks.ts';

/**
 * Sluice's manifest for a cluster that is being migrated: with these settings, and agents on labelled nodes only. What runs
 * comes last, so that who has it has the rest.
 */
export function manifestFor(
  { settings, extras }: Pick<Plan, 'settings' | 'extras'>,
  manifest: readonly ClusterObject[],
): readonly ClusterObject[] {
  const objects = manifest.map((object) => {
    const name = object.metadata?.name;
    if (object.kind === 'ConfigMap' && name === 'sluice-config')
      return { ...object, data: { ...(object.data as object | undefined), ...settings } };
    if (object.kind === 'DaemonSet' && name === 'sluice-node') return forLabelledNodes(object);
    return object;
  });
  const runs = ({ kind }: ClusterObject): boolean => kind === 'DaemonSet' || kind === 'Deployment';
  const all = [...objects, ...extras];
  return [...all.filter((each) => !runs(each)), ...all.filter(runs)];
}

interface AgentSpec {
  readonly template: { readonly spec: { readonly nodeSelector?: Readonly<Record<string, string>> } };
}

function forLabelledNodes(object: ClusterObject): ClusterObject {
  const spec = object.spec as AgentSpec;
  const nodeSelector = { ...spec.template.spec.nodeSelector, [NETWORK_LABEL]: 'sluice' };
  const template = { ...spec.template, spec: { ...spec.template.spec, nodeSelector } };
  return { ...object, spec: { ...spec, template } };
}
