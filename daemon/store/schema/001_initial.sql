create table component (
  name text collate "binary" primary key,
  uid text not null unique,
  project_name text collate "binary" not null,
  version bigint not null,
  created_at bigint not null,
  modified_at bigint not null,
  json text not null
);

create index component_project on component (project_name);

create table event_source (
  name text collate "binary" primary key,
  component_name text collate "binary" not null
    references component (name) on delete cascade,
  project_name text collate "binary" not null,
  type text not null,
  version bigint not null,
  created_at bigint not null,
  modified_at bigint not null,
  enabled integer not null,
  json text not null
);

create index event_source_component on event_source (component_name);

create index event_source_project on event_source (project_name);

create table node_status (
  node_id text collate "binary" primary key,
  observed_at bigint not null,
  json text not null
);

create table role (
  role_id text collate "binary" primary key,
  epoch bigint not null,
  node_id text not null
);
