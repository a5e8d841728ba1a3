import { isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ArtifactStore } from './artifact-store.ts';
import { createLocalStore } from './local-store.ts';
import { createS3Store } from './s3-store.ts';

export interface S3Settings {
  /** Absent: Amazon's own. */
  readonly endpoint?: string | undefined;
  readonly region?: string | undefined;
  /** Both or none; none: the SDK's usual places. */
  readonly accessKeyId?: string | undefined;
  readonly secretAccessKey?: string | undefined;
  /** Absent: true with an endpoint, as self-hosted stores want it. */
  readonly forcePathStyle?: boolean | undefined;
}

export interface ArtifactStoreOptions {
  /** ARTIFACT_URL: a folder, `file:///folder` or `s3://bucket/prefix`. Absent: DATA_DIR/artifacts. */
  readonly url: string | undefined;
  readonly dataDir: string;
  readonly s3?: S3Settings;
}

/** @throws {TypeError} a URL that names no store; the message is for the operator */
export function openArtifactStore({ url, dataDir, s3 = {} }: ArtifactStoreOptions): ArtifactStore {
  if (url === undefined) return createLocalStore(join(dataDir, 'artifacts'));
  if (isAbsolute(url)) return createLocalStore(url);
  const parsed = URL.parse(url);
  if (parsed?.protocol === 's3:') return createS3Store({ ...s3, ...bucketOf(parsed) });
  if (parsed?.protocol === 'file:' && parsed.host === '') {
    return createLocalStore(fileURLToPath(parsed));
  }
  // Without the value: people put keys into such URLs.
  throw new TypeError(
    'ARTIFACT_URL: expected an absolute folder, file:///folder or s3://bucket/prefix',
  );
}

const BUCKET = /^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$/;

function bucketOf(url: URL): { bucket: string; prefix: string } {
  const hasMore =
    url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '';
  if (!BUCKET.test(url.host) || hasMore) {
    throw new TypeError(
      'ARTIFACT_URL: expected s3://bucket/prefix and nothing else in it; keys have settings of their own',
    );
  }
  return {
    bucket: url.host,
    prefix: decodeURIComponent(url.pathname).replaceAll(/^\/+|\/+$/g, ''),
  };
}
