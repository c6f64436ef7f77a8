import { defineConfig } from 'vitest/config';

/**
 * How long a test, a hook or what either waits for may take before it counts as failed, in milliseconds. No test depends
 * on how quick the machine is: these only end what would never end, and passing costs no time.
 */
const LIMITS = { testTimeout: 900_000, hookTimeout: 900_000, expect: { poll: { timeout: 120_000 } } };

/** Unit, contract and property suites: everything that needs no root and no lab. `npm run e2e` has its own projects. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          setupFiles: ['test/setup/seed.ts'],
          include: ['src/**/*.test.ts', 'test/{contract,golden,architecture,library,ci}/**/*.test.ts'],
          exclude: ['src/host/**/*.kernel.test.ts', 'src/**/*.kernel.test.ts'],
          ...LIMITS,
        },
      },
      {
        test: {
          name: 'kernel',
          setupFiles: ['test/setup/seed.ts'],
          include: ['src/**/*.kernel.test.ts', 'test/interop/**/*.test.ts'],
          ...LIMITS,
          pool: 'forks',
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'e2e',
          setupFiles: ['test/setup/seed.ts'],
          include: ['test/e2e/**/*.test.ts'],
          ...LIMITS,
          pool: 'forks',
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'vm',
          include: ['test/vm/**/*.test.ts'],
          ...LIMITS,
          pool: 'forks',
          fileParallelism: false,
        },
      },
    ],
  },
});
