import type { LintRule } from '../model.ts';

/** What the policy engine cannot give a meaning to. It then fails closed: an allow allows nothing, a deny denies more. */
export const notUnderstood: LintRule = {
  id: 'not-understood',
  severity: 'error',
  summary: 'a part of a policy that has no meaning; it then allows nothing, or denies all it could have meant',
  *check(cluster) {
    for (const { issues, manifest } of cluster.policies)
      for (const { source, message } of issues)
        yield { manifest, path: source.path, message: () => `${source.path}: ${message}` };
  },
};
