// The layers of docs/architecture.md, as rules: calls go one way.

/** Modules under `from` may import values of `to`, packages, and nothing else of ours. */
const only = (name, from, to) => ({
  name,
  severity: 'error',
  from: { path: from },
  to: { path: '^(src|bench|test)/', pathNot: to, dependencyTypesNot: ['type-only'] },
});

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'no-dev-dependencies-in-src',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
    only('domain-is-pure', '^src/(domain/|errors\\.ts)', '^src/(domain/|errors\\.ts)'),
    {
      name: 'domain-does-no-io',
      severity: 'error',
      from: { path: '^src/domain/' },
      to: { dependencyTypes: ['core'] },
    },
    only('store', '^src/store/', '^src/(store/|domain/|errors\\.ts)'),
    only('bus', '^src/bus/', '^src/(bus|store|domain)/|^src/errors\\.ts'),
    only(
      'jobs',
      '^src/jobs/',
      '^src/(jobs|logs|artifacts|store|datasources|domain)/|^src/errors\\.ts',
    ),
    only('logs', '^src/logs/', '^src/(logs|store|domain)/|^src/errors\\.ts'),
    only('artifacts', '^src/artifacts/', '^src/(artifacts|store|domain)/|^src/errors\\.ts'),
    only('datasources', '^src/datasources/', '^src/(domain/|errors\\.ts|datasources/)'),
    only('resolvers', '^src/resolvers/', '^src/(resolvers/|domain/|errors\\.ts|context\\.ts)'),
    only('http', '^src/http/', '^src/(http/|resolvers/|domain/|errors\\.ts|context\\.ts)'),
    only('emulator', '^src/emulator/', '^src/(emulator/|domain/)'),
    only('cli', '^src/cli/', '^src/cli/'),
    {
      name: 'nobody-imports-the-composition-root',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(app|app-jobs|main|demo)\\.ts$' },
      to: { path: '^src/(app|app-jobs|main|demo)\\.ts$' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: 'specify',
    enhancedResolveOptions: { extensions: ['.ts', '.js', '.json'] },
  },
};
