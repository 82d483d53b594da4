-- From version 10 to 11: who decided what, and by which road the word came.
create table acts (
    id       integer primary key,
    at       integer not null,
    person   text not null,
    road     text not null check (road in ('command','api','page')),
    act      text not null,             -- approve, hold, cancel, retry, … (docs/operations.md)
    delivery integer,                   -- what it is about, if it is about one
    detail   text                       -- what else was said: an address, a reason
) strict;
create index acts_delivery on acts (delivery) where delivery is not null;

alter table deliveries add column asked_by text;  -- who asked for it with publish-now, and so does not approve it

pragma user_version = 11;
