import { afterAll, beforeAll, describe } from 'vitest';
import { LAB_BACKENDS } from '../../src/app/lab/lab-types.ts';
import type { LabIpFamily } from '../../src/app/lab/lab-types.ts';
import { TestCluster } from './harness.ts';
import { describeScenarios } from './scenarios.ts';

const FAMILIES: readonly LabIpFamily[] = ['ipv4', 'ipv6', 'dual'];

/** Kernels without IPIP are common; where there is one that has it, tunnels.kernel.test.ts tries it with packets. */
const BACKENDS = LAB_BACKENDS.filter((backend) => backend !== 'ipip');
const SHAPES = BACKENDS.flatMap((backend) => FAMILIES.map((ipFamily) => ({ backend, ipFamily })));

// One cluster after the other: each alone keeps a small machine busy.
describe.each(SHAPES)('the scenarios over $backend with $ipFamily', (shape) => {
  let cluster: TestCluster;
  beforeAll(async () => {
    cluster = await TestCluster.start(shape);
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());
  describeScenarios(() => cluster);
});
