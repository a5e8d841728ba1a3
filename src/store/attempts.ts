import type { Attempt, AttemptOutcome } from '../domain/job/job.ts';
import type { Queryable } from './database.ts';
import { placeholders } from './jobs.ts';

interface AttemptRow {
  readonly job_id: string;
  readonly number: number;
  readonly spot: number;
  readonly gpu_type_id: string | null;
  readonly data_center_id: string | null;
  readonly usd_per_hour: number | null;
  readonly started_at: number;
  readonly ended_at: number | null;
  readonly outcome: AttemptOutcome | null;
  readonly exit_code: number | null;
  readonly boot_id: string | null;
  readonly boot_line: number;
  readonly warning: string | null;
  readonly gpu_sample_at: number | null;
  readonly resume_step: number | null;
  readonly start_step: number | null;
  readonly stopping_since: number | null;
}

/** Beginning one that has begun changes nothing. */
export async function beginAttempt(
  tx: Queryable,
  attempt: { tenantId: string; jobId: string; number: number; spot: boolean; now: number },
): Promise<void> {
  await tx.query(
    `insert into attempts (tenant_id, job_id, number, spot, started_at, boot_line)
     values ($1, $2, $3, $4, $5, 0) on conflict (job_id, number) do nothing`,
    [attempt.tenantId, attempt.jobId, attempt.number, attempt.spot ? 1 : 0, attempt.now],
  );
}

/** Whatever machine the attempt got in the end. */
export async function placeAttempt(
  tx: Queryable,
  jobId: string,
  number: number,
  place: { gpuTypeId: string; dataCenterId: string | null; usdPerHour: number },
): Promise<void> {
  await tx.query(
    `update attempts set gpu_type_id = $3, data_center_id = $4, usd_per_hour = $5
      where job_id = $1 and number = $2`,
    [jobId, number, place.gpuTypeId, place.dataCenterId, place.usdPerHour],
  );
}

export async function setBoot(
  tx: Queryable,
  jobId: string,
  number: number,
  bootId: string,
): Promise<void> {
  await tx.query(
    'update attempts set boot_id = $3, boot_line = 0 where job_id = $1 and number = $2 and boot_id is null',
    [jobId, number, bootId],
  );
}

export async function setBootLine(
  tx: Queryable,
  jobId: string,
  number: number,
  line: number,
): Promise<void> {
  await tx.query('update attempts set boot_line = $3 where job_id = $1 and number = $2', [
    jobId,
    number,
    line,
  ]);
}

/** False: it has ended, or was warned of before. */
export async function warnOfAttempt(
  tx: Queryable,
  jobId: string,
  number: number,
  warning: string,
): Promise<boolean> {
  const rows = await tx.query(
    `update attempts set warning = $3
      where job_id = $1 and number = $2 and warning is null and ended_at is null returning number`,
    [jobId, number, warning],
  );
  return rows.length > 0;
}

export async function setGpuSampleAt(
  tx: Queryable,
  jobId: string,
  number: number,
  at: number,
): Promise<void> {
  await tx.query('update attempts set gpu_sample_at = $3 where job_id = $1 and number = $2', [
    jobId,
    number,
    at,
  ]);
}

/** The step of the checkpoint that its trainer is given; 0: none. */
export async function setResumeStep(
  tx: Queryable,
  jobId: string,
  number: number,
  step: number,
): Promise<void> {
  await tx.query('update attempts set resume_step = $3 where job_id = $1 and number = $2', [
    jobId,
    number,
    step,
  ]);
}

/** Where its trainer began. False: that was known. */
export async function setStartStep(
  tx: Queryable,
  jobId: string,
  number: number,
  step: number,
): Promise<boolean> {
  const rows = await tx.query(
    `update attempts set start_step = $3
      where job_id = $1 and number = $2 and start_step is null returning number`,
    [jobId, number, step],
  );
  return rows.length > 0;
}

/** From now on its trainer is being stopped for a pause; the first time counts. */
export async function setStopping(
  tx: Queryable,
  jobId: string,
  number: number,
  now: number,
): Promise<void> {
  await tx.query(
    `update attempts set stopping_since = coalesce(stopping_since, $3)
      where job_id = $1 and number = $2`,
    [jobId, number, now],
  );
}

/** The first end counts. False: it had ended, or never begun. */
export async function endAttempt(
  tx: Queryable,
  jobId: string,
  number: number,
  end: { outcome: AttemptOutcome; exitCode: number | null; now: number },
): Promise<boolean> {
  const rows = await tx.query(
    `update attempts set outcome = $3, exit_code = $4, ended_at = $5
      where job_id = $1 and number = $2 and ended_at is null returning number`,
    [jobId, number, end.outcome, end.exitCode, end.now],
  );
  return rows.length > 0;
}

export async function findAttempt(
  db: Queryable,
  jobId: string,
  number: number,
): Promise<Attempt | null> {
  const [row] = await db.query<AttemptRow>(
    'select * from attempts where job_id = $1 and number = $2',
    [jobId, number],
  );
  return row === undefined ? null : toAttempt(row);
}

/** Of each job, oldest first. */
export async function attemptsOf(
  db: Queryable,
  jobIds: readonly string[],
): Promise<readonly (readonly Attempt[])[]> {
  if (jobIds.length === 0) return [];
  const rows = await db.query<AttemptRow>(
    `select * from attempts where job_id in (${placeholders(jobIds, 1)}) order by number`,
    jobIds,
  );
  const attempts = rows.map(toAttempt);
  return jobIds.map((id) => attempts.filter(({ jobId }) => jobId === id));
}

function toAttempt(row: AttemptRow): Attempt {
  return {
    jobId: row.job_id,
    number: row.number,
    spot: row.spot === 1,
    gpuTypeId: row.gpu_type_id,
    dataCenterId: row.data_center_id,
    usdPerHour: row.usd_per_hour,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    outcome: row.outcome,
    exitCode: row.exit_code,
    bootId: row.boot_id,
    bootLine: row.boot_line,
    warning: row.warning,
    gpuSampleAt: row.gpu_sample_at,
    resumeStep: row.resume_step,
    startStep: row.start_step,
    stoppingSince: row.stopping_since,
  };
}
