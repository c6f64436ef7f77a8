import { afterAll, beforeAll, describe } from 'vitest';
import { TestCluster } from './harness.ts';
import { describeScenarios } from './scenarios.ts';

describe('the scenarios over vxlan with ipv6', () => {
  let cluster: TestCluster;
  beforeAll(async () => {
    cluster = await TestCluster.start({ backend: 'vxlan', ipFamily: 'ipv6' });
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());
  describeScenarios(() => cluster);
});
