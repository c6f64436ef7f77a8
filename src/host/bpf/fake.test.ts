import { describe } from 'vitest';
import { bpfContract } from './contract.ts';
import { FakeKernel } from './fake.ts';

describe('a fake', () =>
  bpfContract(() => {
    const kernel = new FakeKernel([1]);
    return { open: () => kernel.open(), link: 1, missing: 77, [Symbol.dispose]: () => undefined };
  }));
