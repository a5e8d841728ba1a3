import type { Command } from 'commander';
import { downloadJob } from '../download-job.ts';
import { CliFailure } from '../failure.ts';
import type { OpenSession } from '../program.ts';

export function addDownload(program: Command, open: OpenSession): void {
  program
    .command('download')
    .description('fetch and verify all results of a job; goes on where it was cut')
    .argument('<id>', 'the job')
    .option('--to <folder>', 'where to (default: results-<id>)')
    .action(async (id: string, { to }: { readonly to?: string }, command: Command) => {
      const session = open(command);
      const folder = to ?? `results-${folderName(id)}`;
      const files = await downloadJob(session, id, folder);
      await session.output.json({ folder, files });
      await session.output.line(`${files.length} files in ${folder}, all verified.`);
    });
}

function folderName(id: string): string {
  if (/^[\w-]+$/.test(id)) return id;
  throw new CliFailure('usage', `${id} is no name for a folder: give one with --to.`);
}
