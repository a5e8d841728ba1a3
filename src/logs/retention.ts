/** Keeps logs within their bounds: by age once a job has ended, by size while it goes on. */
import type { Database } from '../store/database.ts';
import { dropOldest, expiredJobs, expireLog, oversizedJobs } from '../store/log-retention.ts';

const JOBS_PER_RUN = 10;
/** Down to this share, so that a log at its bound is not trimmed with every line. */
const TRIMMED_SHARE = 0.9;

export interface RetentionPolicy {
  /** From the end of a job to the end of its stored log; its artifact stays. */
  readonly keepMs: number;
  /** Of one job; beyond it the oldest lines go. */
  readonly maxBytesPerJob: number;
}

/** Readers whose place is in what was dropped go on with what is left. */
export async function retainLogs(
  db: Database,
  { keepMs, maxBytesPerJob }: RetentionPolicy,
  now: number,
  signal: AbortSignal,
): Promise<void> {
  for (const jobId of await oversizedJobs(db, maxBytesPerJob)) {
    const target = Math.max(1, Math.floor(maxBytesPerJob * TRIMMED_SHARE));
    while (!signal.aborted && (await dropOldest(db, jobId, target)) > 0);
  }
  for (const jobId of await expiredJobs(db, now - keepMs, JOBS_PER_RUN)) {
    if (signal.aborted) return;
    await expireLog(db, jobId, now);
  }
}
