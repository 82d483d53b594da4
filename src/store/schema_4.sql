-- From version 3 to 4: subscriptions at the built-in hub, and what hubs elsewhere were told.

-- Subscriptions (the module `hub` says what becomes of them). Sealed columns open with a key that is not in here.
create table subscriptions (
    id          integer primary key autoincrement,
    topic       text not null,               -- the address of a feed's document
    print       text not null,               -- hash of the callback's address, which may hold a secret
    host        text not null,               -- its host
    callback    blob,                        -- the address, sealed; null once it is not needed any more
    secret      blob,                        -- what to sign with, sealed
    state       text not null check (state in ('pending','active','expired','unsubscribed','gone','denied','unverified')),
    until       integer,                     -- the end of an active one
    since       integer not null,            -- when it came into its state
    reason      text,
    requests    integer not null,            -- how many requests there were; the last one is below until it is verified
    asked       text check (asked in ('subscribe','unsubscribe')),
    asked_secret blob,
    asked_lease  integer,                    -- seconds
    asked_tries  integer,
    asked_retry_at integer,
    etag        text not null,               -- the version that was delivered last, and when that had changed
    modified    integer not null,
    told_at     integer,
    given_up    text,                        -- ETag of a version that is not tried any more
    tries       integer not null,
    retry_at    integer,
    error       text,
    on_demand   integer not null,            -- whether the document is made for its subscribers
    lease_owner text,
    lease_until integer,
    lease_token integer not null default 0,
    unique (topic, print)
) strict;
create index subscriptions_by_host on subscriptions (host);

-- What each hub elsewhere was told last of each topic.
create table pings (
    hub         text not null,
    topic       text not null,
    etag        text not null,
    modified    integer not null,
    told_at     integer,
    given_up    text,
    tries       integer not null,
    retry_at    integer,
    error       text,
    lease_owner text,
    lease_until integer,
    lease_token integer not null default 0,
    primary key (hub, topic)
) strict, without rowid;

pragma user_version = 4;
