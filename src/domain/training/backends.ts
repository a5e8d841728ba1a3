/** The libraries that can train on a real GPU: what each needs of a pod, and which one takes what. */
import { TRAITS } from './algorithms.ts';
import { architectureOf } from './architectures.ts';
import type { Placement } from './placement.ts';
import type { TrainingSpec } from './training-spec.ts';
import type { TrainingUserError } from './user-error.ts';

export type Backend = 'TRL' | 'UNSLOTH';

/** What is asked of the libraries: the only parts of a request that they care for. */
export interface BackendRequest {
  readonly spec: TrainingSpec;
  readonly placement: Placement;
}

export interface BackendChoice {
  readonly backend: Backend;
  /** For people: why this one. */
  readonly reason: string;
}

interface BackendTraits {
  /** Its name in the agent's spec, and of its `agent/requirements-NAME.txt`. */
  readonly name: 'trl' | 'unsloth';
  /**
   * Unless the placement names another. Both have Python 3.12 and a PyTorch that the pinned
   * requirements keep (runpod/containers, official-templates/pytorch).
   */
  readonly image: string;
  /** Lowest CUDA version of a host's driver under which the image runs. */
  readonly minCudaVersion: string;
}

const CUDA_12_8 = {
  image: 'runpod/pytorch:1.0.2-cu1281-torch280-ubuntu2404',
  minCudaVersion: '12.8',
};

export const BACKENDS: Readonly<Record<Backend, BackendTraits>> = {
  TRL: { name: 'trl', ...CUDA_12_8 },
  UNSLOTH: { name: 'unsloth', ...CUDA_12_8 },
};

/** Unsloth where it supports the whole request, else TRL; what was asked for by name is kept. */
export function chooseBackend(request: BackendRequest): BackendChoice {
  const { backend } = request.spec;
  if (backend !== 'AUTO') {
    return { backend, reason: `${backend} trains, as asked for.` };
  }
  const lack = lackOfUnsloth(request);
  return lack === null
    ? { backend: 'UNSLOTH', reason: 'Unsloth trains: it supports this specification.' }
    : { backend: 'TRL', reason: `TRL trains: ${lack.why}.` };
}

/** What the backend that was asked for by name cannot do; null: all is well. */
export function unsupportedByBackend(request: BackendRequest): TrainingUserError | null {
  if (request.spec.backend !== 'UNSLOTH') return null;
  const lack = lackOfUnsloth(request);
  return lack && { code: 'UNSUPPORTED', message: lack.message, path: lack.path };
}

interface Lack {
  /** In the middle of a sentence. */
  readonly why: string;
  /** What to change. */
  readonly message: string;
  readonly path: readonly string[];
}

function lackOfUnsloth({ spec, placement }: BackendRequest): Lack | null {
  const { algorithm } = spec;
  if (!TRAITS[algorithm].isInUnsloth) {
    return {
      why: `Unsloth has no ${algorithm}`,
      message: `Unsloth does not train ${algorithm}: use TRL or AUTO.`,
      path: ['spec', 'backend'],
    };
  }
  if (placement.gpuCount > 1) {
    return {
      why: 'Unsloth uses one GPU',
      message: `Unsloth uses one GPU and the placement has ${placement.gpuCount}: use TRL or AUTO, or set gpuCount to 1.`,
      path: ['placement', 'gpuCount'],
    };
  }
  if (spec.targetModules === null && architectureOf(spec.baseModel)?.hasLlamaNames === false) {
    return {
      why: `Unsloth adapts the layers that models like Llama have, and ${spec.baseModel} has others`,
      message: `Unsloth adapts the layers that models like Llama have, and ${spec.baseModel} has others: use TRL or AUTO, or name layers in targetModules.`,
      path: ['spec', 'backend'],
    };
  }
  return null;
}
