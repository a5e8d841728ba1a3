/** What is known of experiments: in memory, as this is an example. */
import { randomUUID } from 'node:crypto';

export interface Experiment {
  readonly id: string;
  readonly name: string;
  readonly hypothesis: string | null;
}

export interface NewExperiment {
  readonly name: string;
  readonly hypothesis?: string | null;
  readonly trainingJobIds: readonly string[];
}

export function createExperiments() {
  const experiments = new Map<string, Experiment>();
  /** Which experiment a job belongs to; in the order they were added. */
  const experimentIds = new Map<string, string>();

  function add(experimentId: string, jobIds: readonly string[]): void {
    for (const jobId of jobIds) {
      experimentIds.delete(jobId);
      experimentIds.set(jobId, experimentId);
    }
  }

  return {
    find: (id: string) => experiments.get(id) ?? null,
    ofJob: (jobId: string) => experiments.get(experimentIds.get(jobId) ?? '') ?? null,
    jobIds: ({ id }: Experiment) =>
      [...experimentIds].filter(([, of]) => of === id).map(([jobId]) => jobId),
    /** At most `first` of those behind the one with that id. */
    page(first: number, afterId: string | null) {
      const all = [...experiments.values()];
      const start = afterId === null ? 0 : all.findIndex(({ id }) => id === afterId) + 1;
      const nodes = all.slice(start, start + first);
      return { nodes, hasPrevious: start > 0, hasNext: start + nodes.length < all.length };
    },
    create({ name, hypothesis = null, trainingJobIds }: NewExperiment): Experiment {
      const experiment = { id: randomUUID(), name, hypothesis };
      experiments.set(experiment.id, experiment);
      add(experiment.id, trainingJobIds);
      return experiment;
    },
    add,
  };
}

export type Experiments = ReturnType<typeof createExperiments>;
