import { describe, expect, it } from 'vitest';
import { parseIp } from '../../base/ip/index.ts';
import { addressKey, ifnameKey } from '../nft/key.ts';
import { SETS } from '../nft/names.ts';
import { podEndpoint } from '../policy/endpoints.ts';
import { createCalcEngine } from './engine.ts';
import type { CalcEngine, LocalEndpoint } from './model.ts';

const ADDRESS = parseIp('10.244.1.5')!;

describe('policy alone, on a network of others', () => {
  it('has no chain that translates, masquerades or routes', () => {
    const engine = policyOnly();
    engine.flush();
    const hooks = [...engine.ruleset().chains.values()].filter(({ hook }) => hook !== undefined);
    expect(hooks.map(({ name }) => name)).toEqual(['raw-prerouting', 'egress', 'ingress']);
  });

  it('tells pods on one bridge by their addresses, and closes the bridge to others', () => {
    const engine = policyOnly();
    know(engine, 'a');
    wire(engine, { id: '1', interface: 'cni0', shared: true, pod: 'default/a', addresses: [ADDRESS] });
    expect(elements(engine, SETS.shared('ingress', 4))).toEqual([[ifnameKey('cni0') + addressKey(ADDRESS), 'accept']]);
    expect(elements(engine, SETS.ingress)).toEqual([]);
    expect(elements(engine, SETS.podInterfaces).map(([key]) => key)).toContain(
      `${ifnameKey('cni0')}-${ifnameKey('cni0')}`,
    );
  });

  it('leaves an address on a bridge to the newer of two pods, whichever goes first', () => {
    for (const gone of ['old', 'new']) {
      const engine = policyOnly();
      know(engine, 'a');
      const both = { interface: 'cni0', shared: true, addresses: [ADDRESS] };
      wire(engine, { ...both, id: 'old', pod: 'default/unknown' });
      wire(engine, { ...both, id: 'new', pod: 'default/a' });
      engine.apply({ kind: 'local-endpoint', key: gone });
      engine.flush();
      const left = elements(engine, SETS.shared('egress', 4)).map(([, verdict]) => verdict);
      expect(left).toEqual(gone === 'old' ? ['accept'] : []);
    }
  });

  it('adds the name of an interface to the prefixes only where none covers it', () => {
    const engine = policyOnly(['cali', 'cali1']);
    const before = elements(engine, SETS.podInterfaces).length;
    wire(engine, { id: '1', interface: 'cali123', pod: 'default/a', addresses: [ADDRESS] });
    expect(elements(engine, SETS.podInterfaces)).toHaveLength(before);
    wire(engine, { id: '2', interface: 'veth7', pod: 'default/b', addresses: [] });
    expect(elements(engine, SETS.podInterfaces)).toHaveLength(before + 1);
    engine.apply({ kind: 'local-endpoint', key: '2' });
    expect(elements(engine, SETS.podInterfaces)).toHaveLength(before);
  });
});

function policyOnly(prefixes: readonly string[] = []): CalcEngine {
  return createCalcEngine({ node: 'n1', families: [4], policyOnly: { prefixes } });
}

function know(engine: CalcEngine, name: string): void {
  engine.apply({ kind: 'namespace', key: 'default', value: { name: 'default', labels: {} } });
  const value = podEndpoint({ metadata: { name, namespace: 'default' }, spec: { nodeName: 'n1', containers: [] } });
  engine.apply({ kind: 'pod', key: value.key, value });
}

function wire(engine: CalcEngine, value: LocalEndpoint): void {
  engine.apply({ kind: 'local-endpoint', key: value.id, value });
  engine.flush();
}

function elements(engine: CalcEngine, set: string): (readonly [string, string])[] {
  return [...engine.ruleset().sets.get(set)!.elements];
}
