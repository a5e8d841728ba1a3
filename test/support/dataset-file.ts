import { writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { openDatasetFile } from '../../src/artifacts/upload-file.ts';
import type { DatasetFile } from '../../src/domain/dataset/dataset-file.ts';
import { makeFolder } from './folder.ts';

/** These bytes as a file that was received. */
export async function datasetFileOf(bytes: Uint8Array): Promise<DatasetFile> {
  const path = join(makeFolder(), 'part');
  writeFileSync(path, bytes);
  const handle = await open(path);
  onTestFinished(() => handle.close());
  return openDatasetFile(handle, bytes.length);
}
