import { defineConfig } from 'vitest/config';

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
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: 'kernel',
          setupFiles: ['test/setup/seed.ts'],
          include: ['src/**/*.kernel.test.ts', 'test/interop/**/*.test.ts'],
          testTimeout: 60_000,
          pool: 'forks',
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'e2e',
          setupFiles: ['test/setup/seed.ts'],
          include: ['test/e2e/**/*.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 180_000,
          pool: 'forks',
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'vm',
          include: ['test/vm/**/*.test.ts'],
          pool: 'forks',
          fileParallelism: false,
        },
      },
    ],
  },
});
