import type { Resolvers } from './__generated__/schema.ts';

export const podResolvers: Resolvers = {
  Query: {
    rentedPods: (_parent, _args, { rentedPods }) => rentedPods.list(),
  },
  Mutation: {
    async decideQuarantinedPod(_parent, { podId, decision }, { rentedPods }) {
      return { userErrors: await rentedPods.decide(podId, decision) };
    },
  },
};
