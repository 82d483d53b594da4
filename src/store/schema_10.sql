-- From version 9 to 10: published posts whose article was withdrawn are taken away, where their rule says so.
alter table deliveries add column removal text check (removal in ('due','held','done','failed'));
alter table deliveries add column removal_at integer;                 -- not before
alter table deliveries add column removal_since integer;              -- when its first try was
alter table deliveries add column removal_tries integer not null default 0;
create index deliveries_removal on deliveries (endpoint, removal_at) where removal = 'due';

pragma user_version = 10;
