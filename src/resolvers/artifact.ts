import { GraphQLScalarType } from 'graphql';
import type { Resolvers } from './__generated__/schema.ts';

export const artifactResolvers: Resolvers = {
  TrainingArtifact: {
    __resolveReference: ({ id }, { stored }) => stored.artifact(id),
    async job({ job_id: jobId }, _args, { stored }) {
      const job = await stored.job(jobId);
      if (job === null) throw new Error(`the job ${jobId} of an artifact is not there`);
      return job;
    },
    sizeBytes: ({ size_bytes: sizeBytes }) => sizeBytes,
    downloadUrl: ({ id, path }, _args, { downloadUrl }) => downloadUrl(id, path),
    createdAt: ({ created_at: createdAt }) => createdAt,
  },
  Mutation: {
    async createDatasetUpload(_parent, { fileName, sizeBytes }, { createUpload }) {
      const result = await createUpload(fileName, sizeBytes ?? null);
      return result.kind === 'created'
        ? { ...result, userErrors: [] }
        : { uploadId: null, uploadUrl: null, expiresAt: null, userErrors: result.errors };
    },
  },
  ByteCount: new GraphQLScalarType<number, number>({
    name: 'ByteCount',
    serialize: toByteCount,
    parseValue: toByteCount,
  }),
};

function toByteCount(value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new TypeError('ByteCount: expected a whole number from 0 to 2^53 - 1.');
}
