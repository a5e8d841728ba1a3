/** Bodies of pod requests (contract of 2026-08-18, and what RunPod added by 2026-09). */
import { z } from 'zod';
import { NO_CAPACITY, Problem } from '../http/problem.ts';
import { parseBody } from '../http/validation.ts';
import type { PodWish } from '../pods/new-pod.ts';

const MAX_ENV = 50;
const MAX_HTTP_PORTS = 10;
const DEFAULT_DISK_GB = 50;
/** What every emulated host has per GPU. */
const HOST_RAM_GB = 256;
const HOST_VCPUS = 32;

const cudaVersion = z.string().regex(/^\d+\.\d+$/);
const mountsSchema = z.strictObject({
  persistent: z.strictObject({ size: z.int().min(10), path: z.string() }).optional(),
  network: z
    .array(z.strictObject({ volumeId: z.string(), path: z.string() }))
    .max(1)
    .optional(),
});

const createSchema = z.strictObject({
  name: z.string().min(1),
  image: z.string().optional(),
  templateId: z.string().min(1).optional(),
  args: z.string().optional(),
  // Since 2026-09.
  cmd: z.array(z.string()).optional(),
  entrypoint: z.array(z.string()).optional(),
  disk: z.int().min(1).optional(),
  env: z.record(z.string(), z.string()).optional(),
  ports: z.array(z.string()).optional(),
  registry: z.string().nullable().optional(),
  cloud: z.enum(['SECURE', 'COMMUNITY']).optional(),
  cpu: z.looseObject({}).optional(),
  gpu: z
    .strictObject({
      id: z.string(),
      count: z.int().min(1).optional(),
      allowedCudaVersions: z.array(cudaVersion).optional(),
      minCudaVersion: cudaVersion.optional(),
      // Since 2026-09.
      minRamPerGpu: z.number().optional(),
      minVcpuCountPerGpu: z.number().optional(),
    })
    .optional(),
  dataCenterIds: z.array(z.string()).optional(),
  globalNetworking: z.boolean().optional(),
  mounts: mountsSchema.optional(),
  startJupyter: z.boolean().optional(),
  startSsh: z.boolean().optional(),
});

export const actionSchema = z.strictObject({
  action: z.enum(['start', 'stop', 'restart', 'terminate']),
});

/** @throws {Problem} 400 or 422 */
export function readCreateRequest(text: string): PodWish {
  const body = parseBody(createSchema, text);
  if (body.image === undefined) {
    if (body.templateId !== undefined) throw new Problem(400, 'the emulator has no templates');
    throw new Problem(422, 'Request validation failed.', {
      errors: ["$: missing property 'image'"],
    });
  }
  if (body.gpu === undefined || body.cpu !== undefined) {
    throw new Problem(400, 'exactly one of gpu or cpu must be set; the emulator has no CPU pods');
  }
  const { gpu, mounts, env = {}, ports = [] } = body;
  if (gpu.minCudaVersion !== undefined && gpu.allowedCudaVersions !== undefined) {
    throw new Problem(400, 'minCudaVersion and allowedCudaVersions are mutually exclusive');
  }
  if (mounts?.persistent !== undefined && mounts.network !== undefined) {
    throw new Problem(400, 'mounts.persistent and mounts.network are mutually exclusive');
  }
  if ((gpu.minRamPerGpu ?? 0) > HOST_RAM_GB || (gpu.minVcpuCountPerGpu ?? 0) > HOST_VCPUS) {
    throw new Problem(400, NO_CAPACITY);
  }
  if (Object.keys(env).length > MAX_ENV) throw new Problem(400, `at most ${MAX_ENV} env vars`);
  if (ports.filter((port) => port.endsWith('/http')).length > MAX_HTTP_PORTS) {
    throw new Problem(400, `at most ${MAX_HTTP_PORTS} HTTP ports`);
  }
  return {
    spec: {
      name: body.name,
      image: body.image,
      args: body.args ?? '',
      cmd: body.cmd ?? null,
      entrypoint: body.entrypoint ?? null,
      disk: body.disk ?? DEFAULT_DISK_GB,
      ports,
      env,
      mounts: mounts ?? {},
      gpuId: gpu.id,
      gpuCount: gpu.count ?? 1,
      cloud: body.cloud ?? 'SECURE',
      isSpot: false,
    },
    dataCenterIds: body.dataCenterIds ?? [],
    cuda: cudaOf(gpu),
  };
}

function cudaOf(gpu: {
  allowedCudaVersions?: string[] | undefined;
  minCudaVersion?: string | undefined;
}): PodWish['cuda'] {
  if (gpu.allowedCudaVersions?.length) {
    return { kind: 'exactly', versions: gpu.allowedCudaVersions };
  }
  if (gpu.minCudaVersion !== undefined) return { kind: 'at-least', version: gpu.minCudaVersion };
  return { kind: 'any' };
}
