import { afterAll, beforeAll, describe } from 'vitest';
import { TestCluster } from './harness.ts';
import { describeScenarios } from './scenarios.ts';

describe('the scenarios over cross-subnet with dual', () => {
  let cluster: TestCluster;
  beforeAll(async () => {
    cluster = await TestCluster.start({ backend: 'cross-subnet', ipFamily: 'dual' });
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());
  describeScenarios(() => cluster);
});
