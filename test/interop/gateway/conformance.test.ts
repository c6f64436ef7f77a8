import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { enterNetwork } from '../../../src/app/ingress/rig.test-support.ts';
import { addServices } from './cases.ts';
import type { Cases } from './cases.ts';
import { CORE, EXTENDED } from './features.ts';
import { FILTERS } from './filters.ts';
import { FOREIGN } from './foreign.ts';
import { startGatewayRig } from './gateway-rig.ts';
import type { GatewayRig } from './gateway-rig.ts';
import { GATEWAYS } from './gateways.ts';
import { HOSTS } from './hosts.ts';
import { MATCHING } from './matching.ts';
import { PROTOCOLS } from './protocols.ts';
import { REFERENCES } from './references.ts';

const allowed = enterNetwork();

const CASES: Cases = { ...MATCHING, ...HOSTS, ...REFERENCES, ...FILTERS, ...FOREIGN, ...GATEWAYS, ...PROTOCOLS };

it('has a test for each feature of the conformance suite, and no others', () => {
  expect(Object.keys(CASES).sort()).toEqual([...CORE, ...EXTENDED].sort());
});

describe.runIf(allowed)('as the conformance suite of the Gateway API asks', () => {
  let rig: GatewayRig;

  beforeAll(async () => {
    rig = await startGatewayRig();
    await addServices(rig);
  });
  afterEach(() => rig.clear());
  afterAll(() => rig?.[Symbol.asyncDispose]());

  it.each(Object.keys(CASES).sort())('%s', (name) => CASES[name]!(rig));
});
