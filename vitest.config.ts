import { createRequire } from 'node:module';
import { defineConfig } from 'vitest/config';

const require = createRequire(import.meta.url);

export default defineConfig({
  resolve: {
    // One copy of graphql: otherwise Vite loads the ESM build beside the CommonJS one that the
    // libraries use, and every schema is "from another module or realm".
    alias: [{ find: /^graphql$/, replacement: require.resolve('graphql') }],
  },
  test: {
    include: ['test/**/*.test.ts', 'examples/supergraph/frontends/*.test.ts'],
    // Real training takes minutes and gigabytes: `npm run test:training`.
    exclude: ['**/node_modules/**', 'test/training/**'],
    // Starts nothing until a test asks for it.
    globalSetup: 'test/support/postgres-setup.ts',
    testTimeout: 20_000,
    hookTimeout: 30_000,
  },
});
