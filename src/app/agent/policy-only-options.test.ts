import { describe, expect, it } from 'vitest';
import { agentOptions } from './options.ts';

const read = (env: Readonly<Record<string, string>>) => agentOptions({ NODE_NAME: 'n1', ...env });

describe('the options for policy alone', () => {
  it('are absent unless the network is said to be somebody else’s', () => {
    for (const env of [{}, { SLUICE_NETWORKING: '' }, { SLUICE_NETWORKING: 'sluice', FELIX_INTERFACEPREFIX: 'cali' }])
      expect(read(env).policyOnly).toBeUndefined();
  });

  it('carry the prefixes of interfaces, several with commas, and leave them to the cluster when there are none', () => {
    const networking = { SLUICE_NETWORKING: 'policy-only' };
    expect(read(networking).policyOnly).toEqual({ prefixes: undefined });
    const { policyOnly } = read({ ...networking, FELIX_INTERFACEPREFIX: 'cali, veth,cni0' });
    expect(policyOnly).toEqual({ prefixes: ['cali', 'veth', 'cni0'] });
  });

  it('let no backend carry anything', () => {
    expect(read({ SLUICE_NETWORKING: 'policy-only', SLUICE_BACKEND: 'udp' }).backend).toBe('none');
  });

  it.each([
    [
      { SLUICE_NETWORKING: 'policy_only' },
      /SLUICE_NETWORKING \(networking\) is 'policy_only', must be sluice or policy-only/,
    ],
    [{ SLUICE_NETWORKING: 'policy-only', FELIX_INTERFACEPREFIX: 'cali,' }, /FELIX_INTERFACEPREFIX .* is 'cali,'/],
    [{ SLUICE_NETWORKING: 'policy-only', FELIX_INTERFACEPREFIX: 'a-name-too-long-1' }, /up to 15 characters/],
    [{ SLUICE_NETWORKING: 'policy-only', FELIX_INTERFACEPREFIX: 'a/b' }, /FELIX_INTERFACEPREFIX/],
  ])('are refused with what is wrong: %o', (env, message) => {
    expect(() => read(env)).toThrow(message);
  });
});
