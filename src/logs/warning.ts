/** A warning about a run: once per attempt, as a line of its log and on the job. */
import { warnOfAttempt } from '../store/attempts.ts';
import type { Database } from '../store/database.ts';
import { lockLiveJob } from '../store/jobs.ts';
import { appendLifecycle } from '../store/log-lines.ts';

export interface RunWarning {
  readonly tenantId: string;
  readonly jobId: string;
  readonly attempt: number;
  readonly text: string;
  readonly now: number;
}

export async function warnOnce(
  db: Database,
  { tenantId, jobId, attempt, text, now }: RunWarning,
): Promise<void> {
  await db.transaction(async (tx) => {
    if (!(await lockLiveJob(db, tx, jobId))) return;
    if (!(await warnOfAttempt(tx, jobId, attempt, text))) return;
    await appendLifecycle(tx, { id: jobId, tenantId }, { at: now, attempt, text });
  });
}
