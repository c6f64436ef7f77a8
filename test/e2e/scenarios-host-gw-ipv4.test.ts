import { afterAll, beforeAll, describe } from 'vitest';
import { TestCluster } from './harness.ts';
import { describeScenarios } from './scenarios.ts';

describe('the scenarios over host-gw with ipv4', () => {
  let cluster: TestCluster;
  beforeAll(async () => {
    cluster = await TestCluster.start({ backend: 'host-gw', ipFamily: 'ipv4' });
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());
  describeScenarios(() => cluster);
});
