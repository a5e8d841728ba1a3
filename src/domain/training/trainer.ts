/** The trainer that pods of the platform at hand run. */
import { toAgentSpec } from './agent-spec.ts';
import { BACKENDS, chooseBackend, unsupportedByBackend } from './backends.ts';
import type { BackendRequest } from './backends.ts';
import type { TrainingUserError } from './user-error.ts';

/** What a pod for one job runs and needs. */
export interface PodProgram {
  /** In the agent's terms (PROTOCOL.md §7.4). */
  readonly backend: 'toy' | 'trl' | 'unsloth';
  /** NAME of the `requirements-NAME.txt` that the agent installs first; null: none. */
  readonly requirements: string | null;
  /** Container image, as the placement says or the backend's own. */
  readonly image: string;
  readonly minCudaVersion: string;
}

export interface Trainer {
  programOf(request: BackendRequest): PodProgram;
  /** What it cannot do of this; null: all is well. */
  unsupported(request: BackendRequest): TrainingUserError | null;
  /** What stands in for the plan's backend here; null: nothing does. */
  readonly standIn: string | null;
  /** The program and its configuration. */
  script(request: BackendRequest): string;
}

/**
 * - toy: the emulator's own, in the standard library of Python
 * - cpu: the real libraries on this machine, as the emulator's pods have them installed
 * - gpu: the real libraries on rented machines, installed when a pod starts
 */
export type TrainerKind = 'toy' | 'cpu' | 'gpu';

const UPLOADED_ONLY: TrainingUserError = {
  code: 'UNSUPPORTED',
  message:
    'The emulator’s toy trainer has no network: upload the dataset (createDatasetUpload) and give its uploadId.',
  path: ['spec', 'dataset'],
};
const NEEDS_GPU: TrainingUserError = {
  code: 'UNSUPPORTED',
  message: 'The emulator’s pods have no GPU, which Unsloth needs: use TRL or AUTO.',
  path: ['spec', 'backend'],
};

/** `program` is the trainer's source, all of its files, for a backend. */
export function createTrainer(
  kind: TrainerKind,
  program: (backend: PodProgram['backend']) => string,
): Trainer {
  const programOf = (request: BackendRequest): PodProgram => {
    const { placement } = request;
    const { name, image, minCudaVersion } = BACKENDS[chooseBackend(request).backend];
    const common = { image: placement.image ?? image, minCudaVersion };
    switch (kind) {
      case 'toy':
        return { ...common, backend: 'toy', requirements: null };
      case 'cpu':
        return { ...common, backend: 'trl', requirements: null };
      case 'gpu':
        return { ...common, backend: name, requirements: name };
    }
  };
  return {
    programOf,
    unsupported: (request) => unsupportedByBackend(request) ?? unsupportedHere(kind, request),
    standIn: STAND_INS[kind],
    script(request) {
      const { backend, requirements } = programOf(request);
      const datasetFile = request.spec.dataset.uploadId == null ? null : 'dataset';
      const config = toAgentSpec(request.spec, { backend, datasetFile });
      const head = [
        ...(requirements === null ? [] : [`pip install -r requirements-${requirements}.txt`]),
        'python3 trainer.py spec.json, where the files below lie and spec.json has in `spec`:',
        ...JSON.stringify(config, null, 2).split('\n'),
      ];
      return `${head.map((line) => `# ${line}`).join('\n')}\n\n${program(backend)}`;
    },
  };
}

const STAND_INS: Readonly<Record<TrainerKind, string | null>> = {
  toy: 'The emulator’s toy trainer stands in for it here: it learns characters, on the CPU.',
  cpu: 'The emulator’s pods train with TRL on this machine’s CPU.',
  gpu: null,
};

function unsupportedHere(kind: TrainerKind, { spec }: BackendRequest): TrainingUserError | null {
  if (kind === 'toy' && spec.dataset.uploadId == null) return UPLOADED_ONLY;
  if (kind === 'cpu' && spec.backend === 'UNSLOTH') return NEEDS_GPU;
  return null;
}
