import { afterAll, describe, expect, it } from 'vitest';
import { cleanHome, sluice } from './harness.ts';

describe('sluice demo', () => {
  const home = cleanHome();
  afterAll(home.remove);

  it('shows a policy taking effect from nothing, opens a shop, and leaves nothing behind', async () => {
    const { code, stdout, stderr } = await sluice(['demo'], home.env);
    expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: '' });
    for (const line of [
      'networkpolicy.networking.k8s.io/nginx-from-xx created',
      'This policy is live in the kernel, and here is what changed:',
      '- default/plain → default/nginx: TCP 80, TCP 49000, UDP 49000, ICMP no longer gets through',
      'denied: default/plain → default/nginx, TCP 80',
      'allowed: default/labelled → default/nginx, TCP 80',
      'real connections, every one as the policy engine predicted.',
      'ingress.networking.k8s.io/shop created',
      '<h1>Welcome to hello!</h1>',
      'no answer from database',
      'allowed: 203.0.113.10 → shop/api-',
      'denied: shop/deployment/front → shop/database-',
    ]) {
      expect(stdout).toContain(line);
    }
    expect((await sluice(['status', '--name', 'demo'], home.env)).code).toBe(2);
  });
});
