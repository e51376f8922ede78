create table cron_run (
  run_id text collate "binary" primary key,
  source text collate "binary" not null
    references event_source (name) on delete cascade,
  manual integer not null,
  due_at bigint not null,
  last_due_at bigint not null,
  due_count bigint not null,
  status text not null,
  reason text not null,
  attempt bigint not null,
  http_status bigint not null,
  node_id text not null,
  epoch bigint not null,
  started_at bigint not null,
  ended_at bigint not null,
  retry_at bigint not null,
  unique (source, manual, due_at)
);

create index cron_run_status on cron_run (status);
