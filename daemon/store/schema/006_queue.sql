create table queue_message (
  id text collate "binary" primary key,
  queue text collate "binary" not null,
  priority bigint not null,
  sent_at bigint not null,
  visible_at bigint not null,
  expires_at bigint not null,
  receives bigint not null,
  receipt text not null,
  dead_from text collate "binary" not null,
  failure text not null,
  attributes text not null,
  body text not null
);

create index queue_message_order
  on queue_message (queue, priority desc, sent_at, id, visible_at);

create index queue_message_due on queue_message (queue, visible_at);

create index queue_message_dead on queue_message (dead_from) where dead_from <> '';

create index queue_message_expiry on queue_message (expires_at);
