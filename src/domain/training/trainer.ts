/** The trainer that pods of the platform at hand run. */
import type { TrainingSpec } from './training-spec.ts';
import type { TrainingUserError } from './user-error.ts';
import { toAgentSpec } from './agent-spec.ts';

export interface Trainer {
  /** The backend in the agent's terms; null: nothing can train here yet. */
  readonly backend: string | null;
  /** What it cannot do of this; null: all is well. */
  unsupported(spec: TrainingSpec): TrainingUserError | null;
  /** The program and its configuration; null: there is none. */
  script(spec: TrainingSpec): string | null;
}

const UPLOADED_ONLY: TrainingUserError = {
  code: 'UNSUPPORTED',
  message:
    'The emulator’s toy trainer has no network: upload the dataset (createDatasetUpload) and give its uploadId.',
  path: ['spec', 'dataset'],
};
const NO_TRAINER: TrainingUserError = {
  code: 'UNSUPPORTED',
  message:
    'This version has no trainer for real GPUs yet: run without RUNPOD_API_KEY to use the emulator’s toy trainer.',
  path: ['spec', 'backend'],
};

/** `program` is the trainer's source. */
export function createTrainer(isEmulated: boolean, program: () => string): Trainer {
  if (!isEmulated) return { backend: null, unsupported: () => NO_TRAINER, script: () => null };
  return {
    backend: 'toy',
    unsupported: ({ dataset }) => (dataset.uploadId == null ? UPLOADED_ONLY : null),
    script(spec) {
      const config = toAgentSpec(spec, { backend: 'toy', datasetFile: 'dataset' });
      const lines = JSON.stringify(config, null, 2).split('\n');
      const head = ['python3 trainer.py spec.json, where spec.json has in `spec`:', ...lines];
      return `${head.map((line) => `# ${line}`).join('\n')}\n\n${program()}`;
    },
  };
}
