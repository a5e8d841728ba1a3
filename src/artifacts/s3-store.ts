/**
 * Artifacts in a bucket of Amazon S3 or of a server that speaks its protocol. The SDK is loaded with
 * the first call: it takes longer to load than the rest of the server.
 */
import type * as Sdk from '@aws-sdk/client-s3';
import { createReadStream } from 'node:fs';
import { stat, unlink } from 'node:fs/promises';
import { AppError } from '../errors.ts';
import { asDiskFault, assertStorageKey, isStorageKey } from './artifact-store.ts';
import type { ArtifactStore, ByteRange } from './artifact-store.ts';

interface OpenClient {
  readonly sdk: typeof Sdk;
  readonly client: Sdk.S3Client;
}

export interface S3StoreOptions {
  readonly bucket: string;
  /** Before every key, without slashes at its ends; empty: none. */
  readonly prefix: string;
  readonly endpoint?: string | undefined;
  readonly region?: string | undefined;
  readonly accessKeyId?: string | undefined;
  readonly secretAccessKey?: string | undefined;
  readonly forcePathStyle?: boolean | undefined;
}

const MIB = 1_024 * 1_024;
const CONNECT_TIMEOUT_MS = 5_000;
/** Silence of the server for this long ends a request. */
const IDLE_TIMEOUT_MS = 30_000;
const CALL_DEADLINE_MS = 60_000;
/** An upload may take as long as a slow line needs. */
const SLOWEST_BYTES_PER_MS = 100;
/** Two parts at a time are in memory. */
const PARTS_AT_ONCE = 2;
const SMALLEST_PART_BYTES = 8 * MIB;
const MOST_PARTS = 10_000;

/** @throws {TypeError} half a pair of keys, or a prefix that is none */
export function createS3Store(options: S3StoreOptions): ArtifactStore {
  const { bucket, prefix } = options;
  const clientOptions = clientOptionsOf(options);
  if (prefix !== '' && !isStorageKey(prefix)) throw new TypeError('not a prefix for S3 keys');
  let opened: Promise<OpenClient> | undefined;

  function keyOf(key: string): string {
    assertStorageKey(key);
    return prefix === '' ? key : `${prefix}/${key}`;
  }

  function open(): Promise<OpenClient> {
    opened ??= import('@aws-sdk/client-s3').then((sdk) => ({
      sdk,
      client: new sdk.S3Client(clientOptions),
    }));
    return opened;
  }

  async function upload(key: string, path: string, signal: AbortSignal): Promise<void> {
    const { client } = await open();
    const { Upload } = await import('@aws-sdk/lib-storage');
    const { size } = await stat(path);
    signal.throwIfAborted();
    const body = createReadStream(path);
    const upload = new Upload({
      client,
      params: { Bucket: bucket, Key: key, Body: body, ContentLength: size },
      partSize: Math.max(SMALLEST_PART_BYTES, Math.ceil(size / MOST_PARTS)),
      queueSize: PARTS_AT_ONCE,
    });
    // Not `upload.abort`: it returns before the parts that were sent are discarded. With its source
    // gone the upload fails by itself, and tells the server so before it ends.
    const stop = () => body.destroy(abortReason(signal));
    signal.addEventListener('abort', stop, { once: true });
    try {
      await upload.done();
    } finally {
      signal.removeEventListener('abort', stop);
      body.destroy();
    }
  }

  async function* readRange(key: string, range: ByteRange, signal?: AbortSignal) {
    if (range.to < range.from) return;
    const idle = new AbortController();
    const timer = setTimeout(() => {
      idle.abort(new DOMException('no byte came', 'TimeoutError'));
    }, IDLE_TIMEOUT_MS);
    const abortSignal = either(idle.signal, signal);
    try {
      const { sdk, client } = await open();
      const input = { Bucket: bucket, Key: key, Range: `bytes=${range.from}-${range.to}` };
      const { Body: body } = await client.send(new sdk.GetObjectCommand(input), { abortSignal });
      // The SDK forgets the signal once the headers are there.
      const stream = body as unknown as AsyncIterable<Uint8Array> & DestroyableStream;
      abortSignal.addEventListener('abort', () => {
        stream.destroy(abortReason(abortSignal));
      });
      for await (const chunk of stream) {
        // A reader that takes its time is not the server's silence.
        clearTimeout(timer);
        yield chunk;
        timer.refresh();
      }
    } catch (error) {
      throw translate(error, bucket, signal);
    } finally {
      clearTimeout(timer);
      // Ends the transfer if the reader left in the middle.
      idle.abort();
    }
  }

  return {
    isLocal: false,
    async adopt(key, path, signal) {
      const name = keyOf(key);
      try {
        const { size } = await stat(path);
        const deadline = AbortSignal.timeout(
          CALL_DEADLINE_MS + Math.ceil(size / SLOWEST_BYTES_PER_MS),
        );
        await upload(name, path, either(deadline, signal));
        await unlink(path);
      } catch (error) {
        throw translate(error, bucket, signal);
      }
    },
    async size(key) {
      const name = keyOf(key);
      try {
        const { sdk, client } = await open();
        const command = new sdk.HeadObjectCommand({ Bucket: bucket, Key: name });
        const abortSignal = AbortSignal.timeout(CALL_DEADLINE_MS);
        return (await client.send(command, { abortSignal })).ContentLength ?? null;
      } catch (error) {
        const fault = translate(error, bucket);
        if (fault instanceof AppError && fault.code === 'NOT_FOUND') return null;
        throw fault;
      }
    },
    read: (key, range, signal) => readRange(keyOf(key), range, signal),
    async remove(key) {
      const name = keyOf(key);
      try {
        const { sdk, client } = await open();
        const command = new sdk.DeleteObjectCommand({ Bucket: bucket, Key: name });
        await client.send(command, { abortSignal: AbortSignal.timeout(CALL_DEADLINE_MS) });
      } catch (error) {
        const fault = translate(error, bucket);
        if (!(fault instanceof AppError && fault.code === 'NOT_FOUND')) throw fault;
      }
    },
    async close() {
      const closing = opened;
      if (closing !== undefined) (await closing).client.destroy();
    },
  };
}

interface DestroyableStream {
  destroy(error?: Error): void;
}

function clientOptionsOf(options: S3StoreOptions) {
  const { endpoint, region, accessKeyId, secretAccessKey } = options;
  if ((accessKeyId === undefined) !== (secretAccessKey === undefined)) {
    throw new TypeError('the S3 access key id and its secret go together');
  }
  // With an endpoint of one's own the region is a word in the signature, and every server takes this.
  const usedRegion = region ?? (endpoint === undefined ? undefined : 'us-east-1');
  return {
    ...(usedRegion === undefined ? {} : { region: usedRegion }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(accessKeyId === undefined || secretAccessKey === undefined
      ? {}
      : { credentials: { accessKeyId, secretAccessKey } }),
    forcePathStyle: options.forcePathStyle ?? endpoint !== undefined,
    // Servers other than Amazon's refuse or misread the newer checksums and their trailers.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    maxAttempts: 3,
    requestHandler: {
      connectionTimeout: CONNECT_TIMEOUT_MS,
      requestTimeout: IDLE_TIMEOUT_MS,
      throwOnRequestTimeout: true,
    },
  } as const;
}

function either(one: AbortSignal, other: AbortSignal | undefined): AbortSignal {
  return other === undefined ? one : AbortSignal.any([one, other]);
}

function abortReason(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new Error('aborted');
}

interface SdkFault extends Error {
  readonly $metadata?: { readonly httpStatusCode?: number; readonly requestId?: string };
}

/** The caller's own abort passes as it is; the SDK's texts and objects stay out: they have key ids. */
function translate(error: unknown, bucket: string, signal?: AbortSignal): unknown {
  if (error instanceof AppError) return error;
  if (signal?.aborted === true) return signal.reason;
  const disk = asDiskFault(error, 'The folder of incoming files');
  // A bug of ours must not pass for a server's failure.
  const isBug = error instanceof TypeError || error instanceof RangeError;
  if (disk instanceof AppError || !(error instanceof Error) || isBug) return disk;
  const { name, $metadata: metadata } = error as SdkFault;
  const status = metadata?.httpStatusCode;
  const cause = new Error(`S3: ${name} (HTTP ${status ?? 'none'}, ${metadata?.requestId ?? '-'})`);
  if (name === 'NoSuchBucket') return unavailable(`There is no bucket ${bucket}.`, false, cause);
  if (status === 404) {
    return new AppError('NOT_FOUND', 'The file is not in the artifact store.', { cause });
  }
  if (status === 401 || status === 403) {
    return unavailable(`The artifact store refuses our keys for bucket ${bucket}.`, false, cause);
  }
  if (name === 'CredentialsProviderError') {
    return unavailable('There are no keys for the artifact store.', false, cause);
  }
  return unavailable(`The artifact store cannot be reached (${name}).`, true, cause);
}

function unavailable(message: string, retryable: boolean, cause: Error): AppError {
  return new AppError('STORE_UNAVAILABLE', message, { retryable, cause });
}
