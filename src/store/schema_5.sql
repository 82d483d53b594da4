-- From version 4 to 5: silence, and the approvals of posts.

-- When a person had everything held, and until when. At most one is not over.
create table silences (
    id       integer primary key autoincrement,
    since    integer not null,
    reason   text not null,
    person   text,                           -- who said so
    ended_at integer,
    ended_by text
) strict;
create unique index silences_now on silences ((ended_at is null)) where ended_at is null;

-- Who approved what, for ever. An approval counts until it is voided.
create table approvals (
    id        integer primary key autoincrement,
    delivery  integer not null references deliveries (id),
    person    text not null,
    print     text not null,                 -- hash of what was approved: the post, its time, its endpoint
    post      text not null,                 -- JSON: the post as it was shown
    given_at  integer not null,
    voided_at integer,
    voided_why text
) strict;
create index approvals_by_delivery on approvals (delivery);

pragma user_version = 5;
