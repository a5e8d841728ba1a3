import { offerOfPlacement, planTraining, refusedPlan } from '../domain/training/training-plan.ts';
import { readLimits, readPlacement } from '../domain/training/placement.ts';
import { readTrainingSpec } from '../domain/training/training-spec.ts';
import type { Resolvers } from './__generated__/schema.ts';

export const trainingResolvers: Resolvers = {
  Query: {
    async trainingPlan(_parent, args, { prices, jobLimits }) {
      const spec = readTrainingSpec(args.spec);
      const placement = readPlacement(args.placement);
      const limits = readLimits(args.limits, jobLimits);
      const errors = [
        ...(spec.kind === 'invalid' ? spec.errors : []),
        ...placement.errors,
        ...limits.errors,
      ];
      if (spec.kind === 'invalid' || !placement.value || !limits.value || errors.length > 0) {
        return refusedPlan(errors);
      }
      const table = await prices.table(offerOfPlacement(placement.value));
      return planTraining(
        { spec: spec.spec, placement: placement.value, limits: limits.value },
        table,
      );
    },
  },
  TrainingPlan: {
    // The trainer comes with the jobs: until then there is no program to show.
    script: () => null,
  },
  UserError: {
    __resolveType: () => 'TrainingUserError',
  },
};
