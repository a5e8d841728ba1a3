import { usdAccrued, usdBilled, usdPerHourNow } from '../domain/job/cost.ts';
import { encodePlace, decodePlace } from '../domain/job/list-cursor.ts';
import type { Job, Launch } from '../domain/job/job.ts';
import { AppError } from '../errors.ts';
import type { Context } from '../context.ts';
import type { SubmitResult } from '../jobs/jobs.ts';
import type { Resolvers } from './__generated__/schema.ts';

const MAX_PAGE = 100;
const MAX_NEEDLE = 200;

/** The newest pod that was really rented. */
async function newestPod(job: Job, { stored }: Context): Promise<Launch | null> {
  const launches = await stored.launches(job.id);
  return launches.findLast(({ podId }) => podId !== null) ?? null;
}

/** Prices when they are to be had: a submission does not wait for a platform that is down. */
function pricesOf({ prices }: Context) {
  return async (offer: Parameters<typeof prices.table>[0]) => {
    try {
      return await prices.table(offer);
    } catch (error) {
      if (error instanceof AppError && error.code.startsWith('PLATFORM_')) return null;
      throw error;
    }
  };
}

function toPayload(result: SubmitResult) {
  return result.kind === 'submitted'
    ? { job: result.job, userErrors: [] }
    : { job: null, userErrors: result.reasons };
}

export const jobResolvers: Resolvers = {
  Query: {
    trainingJob: (_parent, { id }, { stored }) => stored.job(id),
    async trainingJobs(_parent, { first, after, status, nameContains }, { stored }) {
      if (first < 1 || first > MAX_PAGE) {
        throw new AppError('BAD_USER_INPUT', `first: got ${first}; expected 1 to ${MAX_PAGE}.`);
      }
      if ((nameContains?.length ?? 0) > MAX_NEEDLE) {
        throw new AppError('BAD_USER_INPUT', `nameContains: at most ${MAX_NEEDLE} characters.`);
      }
      const filter = {
        status: status == null || status.length === 0 ? null : status,
        nameContains: nameContains?.trim() ? nameContains.trim() : null,
      };
      const place = after == null ? null : decodePlace(after);
      const jobs = await stored.list(filter, place, first + 1);
      return { filter, jobs: jobs.slice(0, first), hasMore: jobs.length > first, place };
    },
  },
  Mutation: {
    async submitTrainingJob(_parent, { input }, context) {
      return toPayload(await context.jobs.submit(input, pricesOf(context)));
    },
    async retryTrainingJob(_parent, { id, idempotencyKey, placement }, context) {
      const changes = { idempotencyKey: idempotencyKey ?? null, placement: placement ?? null };
      return toPayload(await context.jobs.retry(id, changes, pricesOf(context)));
    },
    async cancelTrainingJob(_parent, { id }, { jobs }) {
      return toPayload(await jobs.cancel(id));
    },
    async pauseTrainingJob(_parent, { id }, { jobs }) {
      return toPayload(await jobs.pause(id));
    },
    async resumeTrainingJob(_parent, { id }, { jobs }) {
      return toPayload(await jobs.resume(id));
    },
  },
  TrainingJobConnection: {
    edges: ({ jobs }) => jobs.map((node) => ({ node, cursor: encodePlace(node) })),
    nodes: ({ jobs }) => jobs,
    pageInfo: ({ jobs, hasMore, place }) => {
      const [first] = jobs;
      const last = jobs.at(-1);
      return {
        hasNextPage: hasMore,
        hasPreviousPage: place !== null,
        startCursor: first === undefined ? null : encodePlace(first),
        endCursor: last === undefined ? null : encodePlace(last),
      };
    },
    totalCount: ({ filter }, _args, { stored }) => stored.count(filter),
  },
  TrainingJob: {
    __resolveReference: ({ id }, { stored }) => stored.job(id),
    async gpuResource(job, _args, context) {
      const pod = await newestPod(job, context);
      if (pod === null) return null;
      const table = await context.prices.anyTable();
      return table.gpus.get(pod.gpuTypeId)?.entry ?? null;
    },
    gpuCount: async (job, _args, context) => (await newestPod(job, context))?.gpuCount ?? null,
    cloud: async (job, _args, context) => (await newestPod(job, context))?.cloud ?? null,
    attempts: (job, _args, { stored }) => stored.attempts(job.id),
    async cost(job, _args, { stored }) {
      const launches = await stored.launches(job.id);
      return {
        usdSoFar: usdAccrued(launches, Date.now()),
        usdPerHour: usdPerHourNow(launches),
        estimatedUsd: job.estimatedUsd,
        billedUsd: usdBilled(launches),
      };
    },
    artifacts: (job, _args, { stored }) => stored.artifacts(job.id),
    logs: (job, query, { logs }) => logs.page(job.id, query),
    metrics: (job, { names, first, after }, { logs }) =>
      logs.metrics(job.id, { names: names ?? null, first: first ?? null, after: after ?? null }),
    script: (job, _args, { trainer }) => trainer.script(job),
  },
  TrainingAttempt: {
    gpuResourceId: ({ gpuTypeId }) => gpuTypeId,
    resumedFromStep: ({ startStep }) => (startStep === 0 ? null : startStep),
  },
  TrainingSpec: {
    asJson: (spec) => spec,
  },
};
