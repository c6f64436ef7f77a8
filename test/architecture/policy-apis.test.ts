import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';

it('deploy/policy-apis.yaml, deploy/bgp-apis.yaml and deploy/gateway-apis.yaml are what scripts/policy-apis.ts writes', () => {
  const script = join(import.meta.dirname, '../../scripts/policy-apis.ts');
  expect(spawnSync(process.execPath, [script, '--check']).status).toBe(0);
});
