-- From version 7 to 8: how endpoints are.
create table endpoint_health (
    endpoint     text primary key,
    failures     integer not null,      -- tries in a row that found the network unable to answer
    closed_until integer,               -- before, nothing is tried
    paused_since integer,               -- nothing is tried until a person mends the credentials
    reason       text,
    settings     text                   -- tells the settings under which the pause began
) strict, without rowid;

pragma user_version = 8;
