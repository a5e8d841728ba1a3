import type { Resolvers } from './__generated__/schema.ts';

export const platformResolvers: Resolvers = {
  Query: {
    gpuPlatform: (_parent, _args, { platformStatus }) => platformStatus(),
  },
};
