create table component_version (
  name text collate "binary" not null
    references component (name) on delete cascade,
  version bigint not null,
  modified_at bigint not null,
  json text not null,
  primary key (name, version)
);

create table cfg (
  name text collate "binary" primary key,
  version bigint not null,
  modified_at bigint not null,
  secret integer not null,
  value text not null
);

insert into component_version (name, version, modified_at, json)
  select name, version, modified_at, json from component;
