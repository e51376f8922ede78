create table token (
  name text collate "binary" primary key,
  hash text not null unique,
  scope text not null,
  created_at bigint not null,
  expires_at bigint not null,
  last_used_at bigint not null
);
