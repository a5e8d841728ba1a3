-- Files that belong together: known here before the first of them is put into the artifact store, so
-- that whatever cuts that short leaves nothing behind that nobody knows of.
create table file_sets (
  tenant_id text not null,
  job_id text not null,
  attempt bigint not null,
  -- `results`, or `checkpoint-N`
  name text not null,
  -- STORING, STORED, REMOVING
  state text not null,
  -- Of a checkpoint; null: results.
  step bigint,
  -- What the checkpoint was trained by: it is good for nothing else.
  spec_sha256 text,
  size_bytes bigint not null,
  -- In the artifact store; a JSON list.
  storage_keys text not null,
  created_at bigint not null,
  primary key (job_id, attempt, name)
);
create index file_sets_unsettled on file_sets (created_at) where state <> 'STORED';

-- The step of the checkpoint that the attempt was given; 0: none. Null: not decided yet.
alter table attempts add column resume_step bigint;
-- Where its trainer began; null: it has not said so.
alter table attempts add column start_step bigint;
-- Since when its trainer is being stopped for a pause.
alter table attempts add column stopping_since bigint;

alter table jobs add column pause_requested_at bigint;
-- All pauses that are over.
alter table jobs add column paused_ms bigint not null default 0;
-- Attempts that a pause ended.
alter table jobs add column pauses bigint not null default 0;
