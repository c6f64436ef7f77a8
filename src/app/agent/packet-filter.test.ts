import { expect, it } from 'vitest';
import { parseCidr } from '../../base/ip/index.ts';
import type { Family } from '../../base/ip/index.ts';
import { silentLogger } from '../../base/log.ts';
import type { LogFields } from '../../base/log.ts';
import { createCalcEngine } from '../../core/calc/index.ts';
import type { Delta } from '../../core/calc/model.ts';
import { FakeNftables } from '../../host/nftables/fake.ts';
import { PacketFilter } from './packet-filter.ts';

const pool = (cidr: string): Delta => ({
  kind: 'pool',
  key: cidr,
  value: { name: cidr, cidr: parseCidr(cidr)!, natOutgoing: true },
});

function scene() {
  const nftables = new FakeNftables();
  const warnings: (LogFields | undefined)[] = [];
  const families: Family[] = [4];
  const filter = new PacketFilter({
    createEngine: () => createCalcEngine({ node: 'n1', families }),
    nftables,
    log: { ...silentLogger, warn: (_, fields) => void warnings.push(fields) },
    onUpdate: () => undefined,
  });
  filter.start();
  return { filter, nftables, warnings, families };
}

it('takes nothing for the work of others that is on its way into the kernel, or follows from another family', () => {
  const { filter, nftables, warnings, families } = scene();
  filter.apply(pool('10.244.0.0/16'));
  filter.resync();
  expect(nftables.ruleset.sets).toEqual(filter.ruleset!.sets);
  families.push(6);
  filter.restart();
  expect(nftables.ruleset.chains).toEqual(filter.ruleset!.chains);
  expect(warnings).toEqual([]);
  filter.stop();
});

it('puts right what others did, and counts just that', () => {
  const { filter, nftables, warnings } = scene();
  nftables.apply([{ op: 'flush-chain', name: 'ingress' }]);
  filter.apply(pool('10.244.0.0/16'));
  filter.resync();
  expect(nftables.ruleset.chains).toEqual(filter.ruleset!.chains);
  // The chain is emptied and written again.
  expect(warnings).toEqual([{ steps: 1 + filter.ruleset!.chains.get('ingress')!.rules.length }]);
  filter.stop();
});
