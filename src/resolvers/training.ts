import { offerOfPlacement, planTraining, refusedPlan } from '../domain/training/training-plan.ts';
import { readLimits, readPlacement } from '../domain/training/placement.ts';
import { readTrainingSpec } from '../domain/training/training-spec.ts';
import type { Resolvers } from './__generated__/schema.ts';

export const trainingResolvers: Resolvers = {
  Query: {
    async trainingPlan(_parent, args, { prices, jobLimits, trainer }) {
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
      const request = { spec: spec.spec, placement: placement.value, limits: limits.value };
      const table = await prices.table(offerOfPlacement(request.placement));
      const plan = planTraining(request, table);
      if (plan.userErrors.length > 0) return plan;
      const unsupported = trainer.unsupported(request);
      // What only this trainer lacks does not make the prices wrong.
      const here = [
        ...(trainer.standIn === null ? [] : [trainer.standIn]),
        ...(unsupported === null ? [] : [`It could not be submitted: ${unsupported.message}`]),
      ];
      return {
        ...plan,
        warnings: [...here, ...plan.warnings],
        script: trainer.script(request),
      };
    },
  },
  UserError: {
    __resolveType: () => 'TrainingUserError',
  },
};
