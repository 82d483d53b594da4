-- Version 1; schema_2.sql goes on from it. Instants are whole microseconds since 1970 in UTC. Identities are UUIDs as text.

-- Facts of the database itself.
create table meta (
    name  text primary key,
    value text not null
) strict;

-- The ledger: what is remembered of every article ever seen.
create table articles (
    id         text primary key,
    path       text not null,
    addresses  text not null,               -- JSON list, the present address first
    own_id     text,
    title      text not null,
    sketch     blob not null,
    visible    text not null,
    first_seen integer not null,
    updated    integer not null,
    state      text not null,
    state_since integer not null,
    decided    text,                        -- baseline, announced, stale, redated
    copy_of    text,
    likeness   real,
    gone_since integer
) strict;

-- Collections that have been looked at: articles of one that is new are the baseline's.
create table collections (
    name text primary key
) strict;

-- Feeds that have been put out: they keep their address.
create table feeds (
    kind    text not null,
    term    text not null,
    label   text not null,
    slug    text not null,
    updated integer not null,
    primary key (kind, term)
) strict;

-- Validators of the documents last put out.
create table documents (
    path          text primary key,
    etag          text not null,
    last_modified integer not null
) strict;

-- The outbox: one row per article, rule, step and endpoint, for ever.
create table deliveries (
    id          integer primary key autoincrement,
    article     text not null,
    rule        text not null,
    step        text not null,
    endpoint    text not null,
    network     text not null,
    path        text not null,
    state       text not null check (state in ('pending','held','sending','published','uncertain','failed','cancelled')),
    due_at      integer not null,
    retry_at    integer,                    -- not before, after a try that failed or a wait
    override    text,                       -- a person's own text, a template
    post        text,                       -- JSON, frozen when the first byte may be sent
    look_first  integer not null default 0, -- the network may have the post: ask before sending again
    attempts    integer not null default 0,
    looks       integer not null default 0, -- times that the network was asked since the last try
    first_attempt integer,
    patience_from integer,                  -- from when on giving up is reckoned
    last_attempt  integer,
    remote_id   text,
    remote_url  text,
    reason      text,
    withdrawn   integer not null default 0,
    by_hand     integer not null default 0, -- a person asked for it: nothing but the endpoint's gap delays it
    lease_owner text,
    lease_until integer,
    lease_token integer not null default 0,
    booked_at   integer not null,
    published_at integer,
    unique (article, rule, step, endpoint)
) strict;
create index deliveries_by_endpoint on deliveries (endpoint, state, due_at);

-- Every try, for ever.
create table attempts (
    delivery    integer not null references deliveries (id),
    number      integer not null,
    lease_token integer not null,
    started_at  integer not null,
    finished_at integer,
    outcome     text,
    detail      text,
    primary key (delivery, number)
) strict;

-- The embedded endpoint's posts.
create table journal (
    id        integer primary key autoincrement,
    endpoint  text not null,
    key       text not null unique,
    text      text not null,
    url       text not null,
    language  text not null,
    posted_at integer not null
) strict;

pragma user_version = 1;
