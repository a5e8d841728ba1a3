import base from '../../vitest.config.ts';

export default {
  ...base,
  test: {
    ...base.test,
    include: ['test/training/*.test.ts'],
    exclude: ['**/node_modules/**'],
    // A training has every core for itself.
    fileParallelism: false,
    testTimeout: 1_200_000,
    hookTimeout: 600_000,
    reporters: 'verbose',
  },
};
