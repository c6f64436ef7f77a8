import { expect, it } from 'vitest';
import { DEFAULT_WIREGUARD, wireguardSettings } from './index.ts';

function read(spec: Readonly<Record<string, unknown>>) {
  const { value, issues } = wireguardSettings({ kind: 'FelixConfiguration', metadata: { name: 'default' }, spec });
  return { value, issues: issues.map(({ source, message }) => `${source.path}: ${message}`) };
}

it('is off, with Calico’s ports, where nothing is said', () => {
  expect(read({})).toEqual({ value: DEFAULT_WIREGUARD, issues: [] });
});

it('reads every field by Calico’s name', () => {
  expect(
    read({
      wireguardEnabled: true,
      wireguardEnabledV6: true,
      wireguardListeningPort: 1234,
      wireguardListeningPortV6: 1235,
      wireguardMTU: 1400,
      wireguardMTUV6: 1380,
      wireguardRoutingRulePriority: 98,
      wireguardPersistentKeepAlive: '1m5s',
    }),
  ).toEqual({
    value: {
      4: { enabled: true, port: 1234, mtu: 1400 },
      6: { enabled: true, port: 1235, mtu: 1380 },
      rulePriority: 98,
      keepaliveSeconds: 65,
    },
    issues: [],
  });
});

it.each([
  ['wireguardEnabled', 'yes', 'must be true or false; until then it is false'],
  ['wireguardListeningPort', 0, 'must be a whole number from 1 to 65535'],
  ['wireguardMTUV6', 1200, 'must be a whole number from 1280 to 65535'],
  ['wireguardRoutingRulePriority', 32_766, 'must be a whole number from 1 to 32765'],
  ['wireguardPersistentKeepAlive', '25', 'must be a duration such as 25s'],
  ['wireguardPersistentKeepAlive', '19h', 'must be a duration such as 25s'],
  ['wireguardHostEncryptionEnabled', true, 'encryption of what nodes themselves send is not supported'],
])('reports %s: %s and goes on with the usual', (name, value, message) => {
  const result = read({ [name]: value });
  expect(result.value).toEqual(DEFAULT_WIREGUARD);
  expect(result.issues).toEqual([expect.stringMatching(`^spec.${name}: ${message}`)]);
});
