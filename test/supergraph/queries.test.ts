import { StatementSync } from 'node:sqlite';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Planner } from '../../examples/supergraph/gateway.ts';
import { openDatabase } from '../../src/store/open-database.ts';
import { insertJob } from '../../src/store/jobs.ts';
import { makeFolder } from '../support/folder.ts';
import { jobRecord } from '../support/job-record.ts';
import { startTestApp } from '../support/start-app.ts';
import { startWithDataset, submitJob } from '../support/training.ts';
import {
  behindGateway,
  CREATE,
  createExperiment,
  IS_MISSING,
  supergraphOf,
} from './start-supergraph.ts';

/** A folder in which a server finds that many jobs, which nothing happens to. */
async function folderWithJobs(count: number) {
  const dataDir = makeFolder();
  const db = await openDatabase({ databaseUrl: undefined, dataDir });
  const jobs = Array.from({ length: count }, (_, index) =>
    jobRecord(`many${index}`, { name: `job ${index}`, status: 'COMPLETED' }),
  );
  await db.transaction(async (tx) => {
    for (const job of jobs) await insertJob(tx, job);
    await tx.query('update jobs set due_at = null');
  });
  await db.close();
  return { dataDir, ids: jobs.map(({ id }) => id) };
}

/** Statements that read the table from now on. */
function countReads(table: string) {
  let reads = 0;
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with its statement below
  const { all } = StatementSync.prototype;
  const spy = vi.spyOn(StatementSync.prototype, 'all').mockImplementation(function (
    this: StatementSync,
    ...parameters
  ) {
    if (this.sourceSQL.includes(`from ${table} where tenant_id = ?1 and id in`)) reads += 1;
    return all.apply(this, parameters);
  });
  onTestFinished(() => {
    spy.mockRestore();
  });
  return () => reads;
}

describe.skipIf(IS_MISSING).each<Planner>(['js', 'rust'])(behindGateway('%s'), (planner) => {
  const supergraph = supergraphOf({ planner });

  test('one query asks both subgraphs, from either side', async () => {
    const { url, submit } = await startWithDataset();
    supergraph.runpod().point(url);
    const jobId = await submit({ name: 'first' });
    const id = await createExperiment(supergraph, [jobId]);
    const ofExperiment = await supergraph.query(
      `query($id: ID!) { experiment(id: $id) { name trainingJobs { name experiment { id } cost { usdSoFar } } }
         gpuResource(id: "NVIDIA L4") { name } }`,
      { id },
    );
    expect(ofExperiment).toMatchObject({
      data: {
        experiment: { name: 'rank', trainingJobs: [{ name: 'first', experiment: { id } }] },
        gpuResource: { name: 'L4' },
      },
    });
    const ofJob = await supergraph.query(
      `query($id: ID!) { trainingJob(id: $id) { name experiment { name trainingJobCount } }
         trainingJobs { pageInfo { hasNextPage } nodes { experiment { id } } }
         experiments { pageInfo { hasNextPage } } }`,
      { id: jobId },
    );
    expect(ofJob).toMatchObject({
      data: {
        trainingJob: { name: 'first', experiment: { name: 'rank', trainingJobCount: 1 } },
        trainingJobs: { pageInfo: { hasNextPage: false }, nodes: [{ experiment: { id } }] },
      },
    });
  });

  test.each([
    { count: 12, reads: 1 },
    // The loaders ask for at most 500 at a time.
    { count: 1_000, reads: 2 },
  ])('$count jobs are one request for entities, and $reads of the store', async (expected) => {
    const { dataDir, ids } = await folderWithJobs(expected.count);
    const { url } = await startTestApp({ DATA_DIR: dataDir });
    supergraph.runpod().point(url);
    const id = await createExperiment(supergraph, ids);
    supergraph.runpod().reset();
    const reads = countReads('jobs');
    const answer = await supergraph.query(
      'query($id: ID!) { experiment(id: $id) { trainingJobs(first: 1000) { name status } } }',
      { id },
    );
    expect(answer).toMatchObject({
      data: {
        experiment: {
          trainingJobs: ids.map((_, index) => ({ name: `job ${index}`, status: 'COMPLETED' })),
        },
      },
    });
    const { posted } = supergraph.runpod();
    const counts = posted.map(({ variables }) => {
      const [representations] = Object.values(variables).filter((value) => Array.isArray(value));
      return representations?.length;
    });
    expect(posted.map(({ query }) => query.includes('_entities'))).toEqual([true]);
    expect(counts).toEqual([expected.count]);
    expect(reads()).toBe(expected.reads);
  });

  test('a job that is gone is null for itself, and the rest of the answer stands', async () => {
    const { url, submit } = await startWithDataset();
    supergraph.runpod().point(url);
    const jobId = await submit();
    await createExperiment(supergraph, [jobId]);
    const answer = await supergraph.query(
      'query($id: ID!) { known: trainingJob(id: $id) { id } unknown: trainingJob(id: "nope") { id } }',
      { id: jobId },
    );
    expect(answer.errors).toBeUndefined();
    expect(answer.data).toEqual({ known: { id: jobId }, unknown: null });
  });

  test('mutations of both: what is wrong is data, and codes of errors come through', async () => {
    const { url, inputOf } = await startWithDataset();
    supergraph.runpod().point(url);
    const { job, userErrors } = await submitJob(supergraph.query, inputOf({ name: 'through' }));
    expect(userErrors).toEqual([]);
    expect(job).toMatchObject({ status: 'PENDING' });
    const refused = await submitJob(supergraph.query, inputOf({ name: '' }));
    expect(refused).toMatchObject({ job: null, userErrors: [{ path: ['input', 'name'] }] });
    expect(await supergraph.query(CREATE, { name: ' ', ids: [] })).toMatchObject({
      data: { createExperiment: { experiment: null, userErrors: [{ path: ['input', 'name'] }] } },
    });
    const cancelled = await supergraph.query(
      'mutation($id: ID!) { cancelTrainingJob(id: $id) { job { id experiment { id } } } }',
      { id: job?.id },
    );
    expect(cancelled).toMatchObject({
      data: { cancelTrainingJob: { job: { id: job?.id, experiment: null } } },
    });
    const wrong = await supergraph.query('{ trainingJobs(first: 0) { totalCount } }');
    expect(wrong.errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }]);
  });
});
