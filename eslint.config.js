import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { buildSubgraphSchema, printSubgraphSchema } from '@apollo/subgraph';
import js from '@eslint/js';
import graphqlPlugin from '@graphql-eslint/eslint-plugin';
import { parse } from 'graphql';
import jsdoc from 'eslint-plugin-jsdoc';
import tseslint from 'typescript-eslint';

// graphql-eslint does not know federation's own definitions: it gets the schema with them added.
const sdl = readdirSync('schema')
  .filter((name) => name.endsWith('.graphql'))
  .map((name) => readFileSync(`schema/${name}`, 'utf8'))
  .join('\n');
const subgraphSdl = printSubgraphSchema(buildSubgraphSchema(parse(sdl)));

// What needs the packages of that example can only be looked at where they are installed.
const example = 'examples/supergraph';
const ofGateway = existsSync(`${example}/node_modules`)
  ? []
  : [`${example}/frontends/**`, `${example}/gateway.config.ts`];

export default tseslint.config(
  { ignores: ['**/node_modules', '.data', 'coverage', '**/__generated__/**', ...ofGateway] },
  {
    files: ['**/*.{js,cjs,ts}'],
    extends: [js.configs.recommended],
    languageOptions: { globals: { URL: 'readonly', process: 'readonly', module: 'writable' } },
    rules: { 'max-lines': ['error', 400], 'max-lines-per-function': 'off' },
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    plugins: { jsdoc },
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      // Numbers are text enough; everything else must be made text on purpose.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // `null` is known to be absent and `undefined` omitted; `== null` asks for both.
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'Settings are read in config.ts.' },
      ],
      'jsdoc/check-tag-names': 'error',
      'jsdoc/no-types': 'error',
    },
  },
  {
    files: ['test/**/*.ts', 'bench/**/*.ts', 'examples/supergraph/**/*.ts'],
    rules: {
      'no-restricted-properties': 'off',
      'max-lines-per-function': 'off',
    },
  },
  { files: ['src/main.ts', 'src/emulator/main.ts'], rules: { 'no-restricted-properties': 'off' } },
  {
    files: ['schema/**/*.graphql'],
    languageOptions: {
      parser: graphqlPlugin.parser,
      parserOptions: { graphQLConfig: { schema: subgraphSdl } },
    },
    plugins: { '@graphql-eslint': graphqlPlugin },
    rules: {
      '@graphql-eslint/no-typename-prefix': 'error',
      '@graphql-eslint/require-description': [
        'error',
        {
          types: true,
          FieldDefinition: true,
          InputValueDefinition: false,
          EnumValueDefinition: true,
        },
      ],
      '@graphql-eslint/unique-type-names': 'off',
      '@graphql-eslint/no-hashtag-description': 'error',
    },
  },
);
