import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { command } from './commands/explain.ts';

const MANIFESTS = `
apiVersion: v1
kind: Pod
metadata: {name: web-1, namespace: pro, labels: {app: web}}
spec: {containers: [{name: main, image: nginx}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: pro}
spec: {podSelector: {matchLabels: {app: web}}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: dev}
spec: {podSelector: {}}
---
apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata: {name: guard}
spec:
  tier: Admin
  priority: 1
  subject: {namespaces: {}}
  egress: [{action: Allow, to: [{namespaces: {}}]}]
---
apiVersion: projectcalico.org/v3
kind: StagedNetworkPolicy
metadata: {name: next, namespace: pro}
spec: {selector: all()}
`;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-explain-'));
  writeFileSync(join(folder, 'all.yaml'), MANIFESTS);
});
afterAll(() => rmSync(folder, { recursive: true }));

/** What the command prints, with the heads of the policies that it describes. */
async function explain(
  policy: string | undefined,
  values: Record<string, string> = {},
  env: Record<string, string> = {},
): Promise<{ out: string; heads: string[]; code: number }> {
  const printed: string[] = [];
  const code = await command.run({
    arguments: [policy],
    values: { filename: [join(folder, 'all.yaml')], output: 'text', ...values },
    env,
    uid: 0,
    signal: new AbortController().signal,
    print: (line) => printed.push(line),
    note: () => undefined,
  });
  const out = printed.join('\n');
  return { out, heads: out.split('\n\n').map((each) => each.split(' (')[0]!), code };
}

describe('sluice explain', () => {
  it('describes every policy, staged ones too, when none is named', async () => {
    const { heads, code } = await explain(undefined);
    expect(code).toBe(0);
    expect(heads.sort()).toEqual([
      'ClusterNetworkPolicy guard',
      'NetworkPolicy dev/web',
      'NetworkPolicy pro/web',
      'StagedNetworkPolicy pro/next',
    ]);
  });

  it.each([
    ['web', ['NetworkPolicy pro/web', 'NetworkPolicy dev/web']],
    ['pro/web', ['NetworkPolicy pro/web']],
    ['netpol/web', ['NetworkPolicy pro/web', 'NetworkPolicy dev/web']],
    ['NetworkPolicies/dev/web', ['NetworkPolicy dev/web']],
    ['cnp/guard', ['ClusterNetworkPolicy guard']],
  ])('finds %s', async (name, heads) => expect((await explain(name)).heads).toEqual(heads));

  it('suggests a name for one that is not there', async () => {
    await expect(explain('pro/wbe')).rejects.toThrow('no policy is called pro/wbe; did you mean pro/web?');
    await expect(explain('gaurd')).rejects.toThrow('did you mean guard?');
    await expect(explain('anp/guard')).rejects.toThrow('no policy is called anp/guard');
  });

  it('speaks the language of --lang, or of the locale', async () => {
    expect((await explain('pro/web', {}, { LANG: 'zh_TW.UTF-8' })).out).toContain('適用於命名空間 pro');
    expect((await explain('pro/web', { lang: 'zh-CN' }, { LANG: 'zh_TW.UTF-8' })).out).toContain('适用于命名空间 pro');
    expect((await explain('pro/web')).out).toContain('Now 1 pod: pro/web-1.');
  });

  it('prints data, with what was not understood', async () => {
    const { out } = await explain('guard', { output: 'json' });
    expect(JSON.parse(out)).toMatchObject({
      language: 'en',
      policies: [
        {
          policy: 'ClusterNetworkPolicy/guard',
          subject: { now: ['pro/web-1'] },
          directions: [{ applies: false }, { rules: [{ action: 'deny' }] }],
          issues: [{ path: 'spec.egress[0].action' }],
        },
      ],
    });
  });
});
