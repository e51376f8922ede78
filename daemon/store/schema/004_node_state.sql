create table node_state (
  node_id text collate "binary" primary key,
  state text not null,
  modified_at bigint not null
);
