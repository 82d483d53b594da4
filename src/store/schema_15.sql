-- From version 14 to 15: logins are renewed by one process at a time; a slot is taken even if the clock is set back.
create table turns (
    endpoint text not null,
    name     text not null,                 -- what is done in turn
    owner    text not null,                 -- whose turn it is
    until    integer not null,              -- and until when, at most
    primary key (endpoint, name)
) strict;
-- What went out in a slot that is still to come, as it seems: the clock was set back since.
create index deliveries_ahead on deliveries (due_at) where state = 'published';

pragma user_version = 15;
