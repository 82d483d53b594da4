-- From version 5 to 6: posts in several parts, and secrets that endpoints keep from one run to the next.
alter table deliveries add column remote_parts text not null default '[]';  -- JSON: what the network calls the parts after the first

-- Secrets that an endpoint got of its network, such as a session; sealed with a key that is not in here.
create table keepsakes (
    endpoint text not null,
    name     text not null,
    sealed   blob not null,
    primary key (endpoint, name)
) strict, without rowid;

pragma user_version = 6;
