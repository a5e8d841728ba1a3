/**
 * Rents spot pods. Only RunPod's GraphQL API does, which ends "early 2027": then, or where it
 * refuses the key, spot pods cannot be rented, and nothing else is lost.
 */
import { ClientError } from 'graphql-request';
import { print } from 'graphql';
import { z } from 'zod';
import { AppError } from '../../errors.ts';
import type { CallOptions, LaunchRequest, Pod } from '../platform.ts';
import { RentSpotPodDocument } from './__generated__/operations.ts';
import type {
  PodRentInterruptableInput,
  RentSpotPodMutation,
  RentSpotPodMutationVariables,
} from './__generated__/operations.ts';
import { createGraphqlClient } from './graphql-client.ts';
import { contractFault, problemOf, transportFault } from './problem.ts';

const WHAT = 'podRentInterruptable';

export type SpotRequest = LaunchRequest & { readonly spotUsdPerHour: number };

export interface SpotLauncher {
  /**
   * Rents one pod, once. After PLATFORM_TIMEOUT or PLATFORM_UNAVAILABLE it may exist.
   * @throws {AppError} PLATFORM_NO_CAPACITY PLATFORM_INSUFFICIENT_BALANCE PLATFORM_REJECTED …
   */
  launch(request: SpotRequest, options: CallOptions): Promise<Pod>;
}

const answerSchema = z.object({
  podRentInterruptable: z.object({
    id: z.string().min(1),
    name: z.string(),
    gpuCount: z.int(),
    costPerHr: z.number().nonnegative(),
    machine: z.object({ dataCenterId: z.string().nullish() }).nullish(),
  }),
});

interface UpstreamError {
  readonly message: string;
  readonly path?: readonly unknown[] | undefined;
  readonly extensions?: Readonly<Record<string, unknown>> | undefined;
}

interface Answer {
  readonly status: number;
  readonly data?: unknown;
  readonly errors?: readonly UpstreamError[] | undefined;
}

interface SpotLauncherDeps {
  readonly url: string;
  readonly apiKey: string;
  readonly timeoutMs: number;
}

export function createSpotLauncher({ url, apiKey, timeoutMs }: SpotLauncherDeps): SpotLauncher {
  const client = createGraphqlClient(url, apiKey);

  async function ask(input: PodRentInterruptableInput, signal: AbortSignal): Promise<Answer> {
    try {
      return await client.rawRequest<RentSpotPodMutation, RentSpotPodMutationVariables>({
        query: print(RentSpotPodDocument),
        variables: { input },
        signal,
      });
    } catch (error) {
      // The error itself quotes the whole request: it goes no further.
      if (error instanceof ClientError) return error.response;
      throw transportFault(WHAT, error, signal.aborted);
    }
  }

  return {
    async launch(request, options) {
      const deadline = AbortSignal.timeout(timeoutMs);
      const signal = options.signal ? AbortSignal.any([deadline, options.signal]) : deadline;
      const { status, data, errors = [] } = await ask(toInput(request), signal);
      const answer = answerSchema.safeParse(data);
      if (status === 200 && answer.success) return toPod(request, answer.data.podRentInterruptable);
      if (status !== 200 || errors.length > 0) throw refusalOf(status, errors, apiKey);
      throw contractFault(WHAT, answer.error ?? new z.ZodError([]));
    },
  };
}

function toInput(request: SpotRequest): PodRentInterruptableInput {
  return {
    bidPerGpu: request.spotUsdPerHour / request.gpuCount,
    cloudType: request.cloud,
    gpuTypeId: request.gpuTypeId,
    gpuCount: request.gpuCount,
    name: request.name,
    imageName: request.image,
    // Exec form; a plain string here would be a shell line.
    dockerArgs: JSON.stringify({ entrypoint: [], cmd: request.command }),
    env: Object.entries(request.env).map(([key, value]) => ({ key, value })),
    ports: request.httpPorts.map((port) => `${port}/http`).join(','),
    containerDiskInGb: request.containerDiskGb,
    minCudaVersion: request.minCudaVersion,
    // GraphQL takes one.
    ...(request.dataCenterIds?.[0] !== undefined && { dataCenterId: request.dataCenterIds[0] }),
    ...(request.networkVolume && {
      networkVolumeId: request.networkVolume.id,
      volumeMountPath: request.networkVolume.path,
    }),
  };
}

/** GraphQL tells what is wanted of the pod, not whether it runs. */
function toPod(
  request: SpotRequest,
  pod: z.infer<typeof answerSchema>['podRentInterruptable'],
): Pod {
  return {
    id: pod.id,
    name: pod.name,
    status: 'PROVISIONING',
    isReady: false,
    gpuTypeId: request.gpuTypeId,
    gpuCount: pod.gpuCount,
    dataCenterId: pod.machine?.dataCenterId ?? null,
    usdPerHour: pod.costPerHr,
    createdAt: null,
  };
}

const GONE: ReadonlySet<number> = new Set([401, 403, 404, 410]);
const NO_CREDIT = /insufficient|balance|not enough (credit|funds)/i;

/** Refusals come as HTTP 200 with `errors[]`, and so do RunPod's own failures. */
function refusalOf(status: number, errors: readonly UpstreamError[], apiKey: string): AppError {
  if (GONE.has(status)) {
    return new AppError(
      'PLATFORM_REJECTED',
      `Spot pods cannot be rented: RunPod's GraphQL API, the only way to them, is gone or refuses the key (HTTP ${status}).`,
    );
  }
  const detail = errors.map(({ message }) => message).join('; ');
  return problemOf(
    status === 200 ? meantStatus(detail, errors) : status,
    { detail },
    undefined,
    apiKey,
  );
}

function meantStatus(detail: string, errors: readonly UpstreamError[]): number {
  if (errors.some(mayHaveTakenEffect)) return 500;
  return NO_CREDIT.test(detail) ? 402 : 400;
}

/** A transient failure inside RunPod, or of a field of the pod that was rented. */
function mayHaveTakenEffect({ message, path = [], extensions }: UpstreamError): boolean {
  return (
    /something went wrong/i.test(message) ||
    extensions?.code === 'INTERNAL_SERVER_ERROR' ||
    path.length > 1
  );
}
