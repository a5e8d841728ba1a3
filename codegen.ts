import type { CodegenConfig } from '@graphql-codegen/cli';

const config: CodegenConfig = {
  generates: {
    'src/resolvers/__generated__/schema.ts': {
      schema: 'schema/*.graphql',
      plugins: ['typescript', 'typescript-resolvers'],
      config: {
        federation: true,
        enumType: 'string-literal',
        enumsAsTypes: true,
        useTypeImports: true,
        immutableTypes: true,
        avoidOptionals: { field: true, inputValue: false },
        contextType: '../../context.ts#Context',
        scalars: {
          DateTime: { input: 'number', output: 'number' },
          ByteCount: { input: 'number', output: 'number' },
          LogCursor: { input: 'string', output: 'string' },
          JSON: { input: 'unknown', output: 'unknown' },
        },
        mappers: {
          TrainingJob: '../../domain/job/job.ts#Job',
          TrainingAttempt: '../../domain/job/job.ts#Attempt',
          TrainingSpec: '../../domain/training/training-spec.ts#TrainingSpec as TrainingSpecMapper',
          TrainingFailure:
            '../../domain/training/failure.ts#TrainingFailure as TrainingFailureMapper',
          TrainingProgress: '../../domain/job/job.ts#JobProgress',
          TrainingArtifact: '../../store/artifacts.ts#ArtifactRow',
          LogBatch: '../connections.ts#LogBatch as LogBatchMapper',
          MetricBatch: '../connections.ts#MetricBatch as MetricBatchMapper',
          StreamEnd: '../connections.ts#StreamEnd as StreamEndMapper',
          TrainingJobConnection: '../connections.ts#JobPage',
          GpuResource: '../../domain/gpu.ts#CatalogueEntry',
          Pricing: '../../domain/price.ts#Price',
          TrainingPlan: '../../domain/training/training-plan.ts#TrainingPlan as TrainingPlanMapper',
          TrainingOption:
            '../../domain/training/training-plan.ts#TrainingOption as TrainingOptionMapper',
          TrainingUserError:
            '../../domain/training/user-error.ts#TrainingUserError as TrainingUserErrorMapper',
          GpuPlatform: '../../datasources/platform-status.ts#PlatformStatus',
        },
      },
    },
    // What frontends use of the supergraph, which is in step with our schema by schema:publish.
    'examples/supergraph/frontends/__generated__/operations.ts': {
      schema: 'examples/supergraph/supergraph.graphql',
      documents: 'examples/supergraph/frontends/operations.graphql',
      plugins: ['typescript-operations', 'typed-document-node'],
      config: {
        enumsAsTypes: true,
        useTypeImports: true,
        immutableTypes: true,
        documentMode: 'documentNode',
        scalars: { DateTime: 'string', LogCursor: 'string', ByteCount: 'number', JSON: 'unknown' },
      },
    },
    'src/datasources/runpod/__generated__/operations.ts': {
      schema: 'src/datasources/runpod/upstream.graphql',
      documents: 'src/datasources/runpod/operations.graphql',
      plugins: ['typescript-operations', 'typed-document-node'],
      config: {
        enumsAsTypes: true,
        useTypeImports: true,
        immutableTypes: true,
        documentMode: 'documentNode',
      },
    },
  },
};

export default config;
