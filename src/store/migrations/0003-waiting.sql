-- Since when no machine was to be had for a job; null: it was not looked for, or found.
alter table jobs add column capacity_since bigint;
create index launches_unbilled on launches (billing_due_at) where billing_due_at is not null;
create index idempotency_keys_created on idempotency_keys (created_at);
