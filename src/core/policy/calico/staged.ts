import type { NetworkPolicy } from '../../kube/types.ts';
import type { Policy } from '../model.ts';
import { normaliseNetworkPolicy } from '../normalise/network-policy.ts';
import type { Normalised } from '../normalise/network-policy.ts';
import type { PolicyObject } from '../normalise/registry.ts';
import { isRecord } from '../normalise/scope.ts';
import type { Locate } from '../normalise/scope.ts';
import { normaliseCalicoPolicy } from './policy.ts';

const ACTIONS = ['Set', 'Delete', 'Learn', 'Ignore'];

/**
 * Brings a StagedNetworkPolicy, StagedGlobalNetworkPolicy or StagedKubernetesNetworkPolicy into normal form. With
 * `stagedAction: Delete` it applies to nothing, and so takes the enforced one out of the way ({@link withStaged}); with
 * `Ignore` it is no policy at all.
 */
export function normaliseStaged(object: PolicyObject, locate?: Locate): Normalised | undefined {
  const action = isRecord(object.spec) ? (object.spec['stagedAction'] ?? 'Set') : 'Set';
  if (action === 'Ignore') return undefined;
  const read =
    object.kind === 'StagedKubernetesNetworkPolicy'
      ? stagedKubernetes(object, locate)
      : normaliseCalicoPolicy(object, locate);
  if (read === undefined) return undefined;
  const { policy, issues } = read;
  if (action === 'Delete')
    return { policy: { ...policy, applies: { ingress: false, egress: false }, ingress: [], egress: [] }, issues };
  if (ACTIONS.includes(action as string)) return read;
  const source = { ...policy.source, path: 'spec.stagedAction', ...locate?.('spec.stagedAction') };
  return {
    policy,
    issues: [...issues, { policy: policy.key, source, message: `must be one of ${ACTIONS.join(', ')}` }],
  };
}

/** The policies as they would be with every staged one in force, each in place of the one that it stands for. */
export function withStaged(policies: Iterable<Policy>): Policy[] {
  const all = [...policies];
  const replaced = new Set(all.filter((policy) => policy.staged).map(({ key }) => enforcedKey(key)));
  return all
    .filter((policy) => policy.staged || !replaced.has(policy.key))
    .map((policy) => (policy.staged ? { ...policy, staged: false, key: enforcedKey(policy.key) } : policy));
}

const KUBERNETES_KEY = 'projectcalico.org/StagedKubernetesNetworkPolicy/';

/** The key of the enforced policy that the staged one with this key stands for. */
export function enforcedKey(key: string): string {
  if (key.startsWith(KUBERNETES_KEY)) return `NetworkPolicy/${key.slice(KUBERNETES_KEY.length)}`;
  return key.replace('projectcalico.org/Staged', 'projectcalico.org/');
}

function stagedKubernetes(object: PolicyObject, locate: Locate | undefined): Normalised {
  const { stagedAction: _, ...spec } = isRecord(object.spec) ? object.spec : {};
  const plain = { ...object, spec: isRecord(object.spec) ? spec : object.spec } as NetworkPolicy;
  const { policy, issues } = normaliseNetworkPolicy(plain, locate, object.kind);
  const key = KUBERNETES_KEY + policy.key.slice('NetworkPolicy/'.length);
  return { policy: { ...policy, key, staged: true }, issues: issues.map((issue) => ({ ...issue, policy: key })) };
}
