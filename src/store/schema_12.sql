-- From version 11 to 12: a person puts a delivery before the others of its queue.
alter table deliveries add column urgent integer not null default 0;

pragma user_version = 12;
