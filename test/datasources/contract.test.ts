import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createRunpod } from '../../src/datasources/runpod/runpod.ts';
import {
  gpuListSchema,
  podSchema,
  toCatalogueEntry,
  toPod,
} from '../../src/datasources/runpod/rest-schemas.ts';
import { problemOf } from '../../src/datasources/runpod/problem.ts';
import { createEmulator } from '../../src/emulator/emulator.ts';
import { loadContract } from '../support/openapi.ts';
import type { ContractAnswer, ContractRequest } from '../support/openapi.ts';
import { hasReference, readSample, REFERENCE_MISSING } from '../support/reference.ts';
import { launchRequest } from '../support/platform-compliance.ts';

interface Exchange {
  readonly request: ContractRequest;
  readonly answer: ContractAnswer;
}

/** A man in the middle: passes everything on to the emulator and writes it down. */
async function startRecorder(target: string) {
  const exchanges: Exchange[] = [];
  const server = createServer((request, response) => {
    void (async () => {
      let body = '';
      for await (const chunk of request) body += String(chunk);
      const url = new URL(request.url ?? '/', target);
      const answer = await fetch(url, {
        method: request.method ?? 'GET',
        headers: { authorization: request.headers.authorization ?? '' },
        ...(body === '' ? {} : { body }),
      });
      const text = await answer.text();
      if (url.pathname.startsWith('/v2/')) {
        const to = { method: request.method ?? 'GET', path: url.pathname };
        exchanges.push({
          request: {
            ...to,
            query: url.searchParams,
            headers: { authorization: request.headers.authorization ?? '' },
            ...(body === '' ? {} : { body: JSON.parse(body) as unknown }),
          },
          answer: {
            ...to,
            status: answer.status,
            ...(text === '' ? {} : { body: JSON.parse(text) as unknown }),
          },
        });
      }
      response.writeHead(answer.status, { 'content-type': 'application/json' });
      response.end(text);
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, exchanges };
}

describe.runIf(hasReference)(`RunPod's contract${REFERENCE_MISSING}`, () => {
  test('every request of ours and every answer of the emulator fits', async () => {
    const emulator = await createEmulator();
    onTestFinished(() => emulator.close());
    const { url, exchanges } = await startRecorder(emulator.url);
    const runpod = createRunpod({
      restUrl: url,
      graphqlUrl: `${url}/graphql`,
      proxyUrl: `${url}/__proxy/{podId}/{port}`,
      apiKey: 'key',
      emulated: true,
      timeoutMs: 5_000,
      log: pino({ level: 'silent' }),
    });
    await runpod.verify();
    await runpod.catalogue({ gpuCount: 1, cloud: 'SECURE' });
    await runpod.catalogue({ gpuCount: 8, cloud: 'COMMUNITY' });
    const pod = await runpod.launch(launchRequest('contract'));
    await runpod.listPods();
    await runpod.observe(pod.id);
    await runpod.billedUsd(pod.id, Date.now());
    await runpod.terminate(pod.id);
    await runpod.observe(pod.id);
    await runpod.launch({ ...launchRequest('none'), gpuCount: 64 }).catch(() => null);

    const contract = loadContract();
    const faults = exchanges.flatMap(({ request, answer }) =>
      [
        ...(contract?.checkRequest(request) ?? ['no contract']),
        ...(contract?.checkAnswer(answer) ?? []),
      ].map((fault) => `${request.method} ${request.path} ${answer.status}: ${fault}`),
    );
    expect(faults).toEqual([]);
    expect(exchanges.map(({ answer }) => answer.status)).toEqual([
      200, 200, 200, 201, 200, 200, 200, 204, 404, 400,
    ]);
  });
});

describe.runIf(hasReference)(`recorded answers of RunPod${REFERENCE_MISSING}`, () => {
  test('the catalogue is read', () => {
    const { gpus } = gpuListSchema.parse(readSample('11-'));
    const [first, second] = gpus.map((gpu) =>
      toCatalogueEntry(gpu, { gpuCount: 2, cloud: 'COMMUNITY' }),
    );
    expect(first).toMatchObject({
      id: 'NVIDIA RTX 2000 Ada Generation',
      memoryGb: 16,
      stock: 'LOW',
      onDemandUsdPerHour: 0.32,
      cudaVersions: null,
    });
    expect(second).toMatchObject({
      clouds: ['SECURE', 'COMMUNITY'],
      maxGpuCount: { SECURE: null },
      cudaVersions: ['12.4', '12.8'],
    });
    expect(gpus).toHaveLength(5);
  });

  test.each([
    ['03-', { status: 'RUNNING', isReady: true, usdPerHour: 0.72 }],
    ['04-', { status: 'RUNNING', isReady: false }],
    ['05-', { status: 'EXITED', isReady: false }],
    ['07-', { status: 'PROVISIONING', isReady: false, gpuTypeId: 'NVIDIA GeForce RTX 4090' }],
  ])('pod sample %s is read', (prefix, expected) => {
    expect(toPod(podSchema.parse(readSample(prefix)))).toMatchObject(expected);
  });

  test('each recorded problem has its name', () => {
    const samples = readSample('08-') as { httpStatus: number; body: unknown }[];
    expect(
      samples.map(({ httpStatus, body }) => problemOf(httpStatus, body, undefined, 'the-key').code),
    ).toEqual([
      'PLATFORM_NO_CAPACITY',
      'PLATFORM_REJECTED',
      'PLATFORM_UNAUTHORIZED',
      'PLATFORM_FORBIDDEN',
      'NOT_FOUND',
      'PLATFORM_RATE_LIMITED',
      'PLATFORM_INSUFFICIENT_BALANCE',
    ]);
  });
});
