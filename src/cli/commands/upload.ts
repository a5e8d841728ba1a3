import type { Command } from 'commander';
import type { OpenSession } from '../program.ts';
import { uploadDataset } from '../upload-dataset.ts';

export function addUpload(program: Command, open: OpenSession): void {
  program
    .command('upload')
    .description('upload a dataset (.jsonl, .json, .csv, .parquet) for spec.dataset.uploadId')
    .argument('<file>', 'the dataset')
    .action(async (file: string, _options: unknown, command: Command) => {
      const session = open(command);
      await session.output.json(await uploadDataset(session, file));
    });
}
