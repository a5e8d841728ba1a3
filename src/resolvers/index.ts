import type { Resolvers } from './__generated__/schema.ts';
import { artifactResolvers } from './artifact.ts';
import { dateTimeScalar } from './date-time.ts';
import { gpuResolvers } from './gpu.ts';
import { jobResolvers } from './job.ts';
import { platformResolvers } from './platform.ts';
import { podResolvers } from './pod.ts';
import { subscriptionResolvers } from './subscription.ts';
import { trainingResolvers } from './training.ts';

/** One map per noun, in the order of schema/; `buildSubgraphSchema` merges them. */
export const resolvers: readonly Resolvers[] = [
  { DateTime: dateTimeScalar },
  artifactResolvers,
  gpuResolvers,
  jobResolvers,
  platformResolvers,
  podResolvers,
  subscriptionResolvers,
  trainingResolvers,
];
