import type { ClusterObject } from './model.ts';
import { NETWORK_LABEL } from './old-network.ts';

/** Sluice's manifest for a cluster that is being migrated: with these settings, and agents on labelled nodes only. */
export function manifestFor(
  settings: Readonly<Record<string, string>>,
  manifest: readonly ClusterObject[],
): readonly ClusterObject[] {
  return manifest.map((object) => {
    const name = object.metadata?.name;
    if (object.kind === 'ConfigMap' && name === 'sluice-config')
      return { ...object, data: { ...(object.data as object | undefined), ...settings } };
    if (object.kind === 'DaemonSet' && name === 'sluice-node') return forLabelledNodes(object);
    return object;
  });
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
