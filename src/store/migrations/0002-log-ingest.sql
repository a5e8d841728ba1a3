-- Why the run looks as if it went wrong, once per attempt.
alter table attempts add column warning text;
-- The agent's time of the last GPU sample that is stored.
alter table attempts add column gpu_sample_at bigint;

-- The last of the platform's own log lines that is stored, by the platform's id; '': none yet.
alter table launches add column log_event_id text not null default '';
-- What the platform said of an image that it could not pull.
alter table launches add column image_fault text;

-- Of the bodies of the job's chunks that are kept.
alter table jobs add column log_bytes bigint not null default 0;
-- Since when the whole log of an ended job is an artifact.
alter table jobs add column log_archived_at bigint;
-- Since when nothing of its log is left in the store.
alter table jobs add column log_expired_at bigint;
create index jobs_unarchived on jobs (ended_at) where log_archived_at is null;
create index jobs_unexpired on jobs (ended_at) where log_expired_at is null;
