-- Instants are epoch milliseconds, JSON is text, money is USD.

create table installation (
  tenant_id text not null,
  name text not null,
  value text not null,
  primary key (tenant_id, name)
);

-- Named leases of the server itself, such as the sweeper's.
create table leases (
  tenant_id text not null,
  name text not null,
  token bigint not null,
  leased_by text,
  leased_until bigint not null,
  primary key (tenant_id, name)
);

create table jobs (
  id text primary key,
  tenant_id text not null,
  credential_id text not null,
  name text not null,
  status text not null,
  status_since bigint not null,
  status_reason text,
  spec text not null,
  placement text not null,
  limits text not null,
  labels text not null,
  attempt bigint not null,
  -- Consecutive failures of the current step, for its back-off.
  failures bigint not null,
  progress text,
  failure text,
  estimated_usd double precision,
  cancel_requested_at bigint,
  created_at bigint not null,
  started_at bigint,
  ended_at bigint,
  -- When a reconciler is to look next; null: never again.
  due_at bigint,
  lease_token bigint not null,
  leased_by text,
  leased_until bigint not null,
  -- The last number given to a line of the job's log.
  log_seq bigint not null,
  metric_seq bigint not null
);
create index jobs_due on jobs (due_at);
create index jobs_listed on jobs (tenant_id, created_at, id);

create table idempotency_keys (
  tenant_id text not null,
  key text not null,
  body_sha256 text not null,
  job_id text not null,
  created_at bigint not null,
  primary key (tenant_id, key)
);

create table attempts (
  tenant_id text not null,
  job_id text not null,
  number bigint not null,
  spot bigint not null,
  gpu_type_id text,
  data_center_id text,
  usd_per_hour double precision,
  started_at bigint not null,
  ended_at bigint,
  outcome text,
  exit_code bigint,
  -- The agent's boot that runs it, and the last of its lines that is stored.
  boot_id text,
  boot_line bigint not null,
  primary key (job_id, number)
);

-- One row per create call, stored before it is sent: whoever bills us is in here.
create table launches (
  pod_name text primary key,
  tenant_id text not null,
  credential_id text not null,
  job_id text not null,
  attempt bigint not null,
  -- INTENDED, LIVE, CONDEMNED, GONE
  state text not null,
  gpu_type_id text not null,
  gpu_count bigint not null,
  cloud text not null,
  spot bigint not null,
  usd_per_hour double precision not null,
  pod_id text,
  data_center_id text,
  intended_at bigint not null,
  -- Until then the create call may still take effect, or its pod not yet be listed.
  unsure_until bigint not null,
  live_at bigint,
  condemned_at bigint,
  reason text,
  -- The newest listing that was looked at, and since when and how often the pod was not in one.
  observed_at bigint,
  absent_since bigint,
  absences bigint not null,
  -- When the platform accepted its end.
  terminated_at bigint,
  gone_at bigint,
  billed_usd double precision,
  -- When to ask for the bill; null: never again.
  billing_due_at bigint
);
create index launches_of_job on launches (job_id, attempt);
create index launches_open on launches (credential_id, state);

-- Pods that bear our name and that the store has never heard of.
create table quarantined_pods (
  pod_id text primary key,
  tenant_id text not null,
  credential_id text not null,
  pod_name text not null,
  usd_per_hour double precision not null,
  first_seen_at bigint not null,
  -- TERMINATE or KEEP, by hand; null: terminated after the grace.
  decision text,
  ended_at bigint
);

create table uploads (
  id text primary key,
  tenant_id text not null,
  file_name text not null,
  declared_bytes bigint,
  -- WAITING, RECEIVING, READY, EXPIRED; while RECEIVING, expires_at is the receiver's lease
  state text not null,
  size_bytes bigint,
  sha256 text,
  -- jsonl, json or csv
  format text,
  row_count bigint,
  storage_key text,
  created_at bigint not null,
  expires_at bigint not null,
  completed_at bigint
);

create table artifacts (
  id text primary key,
  tenant_id text not null,
  job_id text not null,
  attempt bigint not null,
  path text not null,
  kind text not null,
  size_bytes bigint not null,
  sha256 text not null,
  storage_key text not null,
  created_at bigint not null
);
create unique index artifacts_of_job on artifacts (job_id, attempt, path);

-- Log lines in chunks: `body` is JSON lines.
create table log_chunks (
  tenant_id text not null,
  job_id text not null,
  first_seq bigint not null,
  line_count bigint not null,
  body text not null,
  primary key (job_id, first_seq)
);

create table metric_points (
  tenant_id text not null,
  job_id text not null,
  seq bigint not null,
  at bigint not null,
  step bigint,
  epoch double precision,
  name text not null,
  value double precision,
  primary key (job_id, seq)
);
