-- From version 14 to 15: logins are renewed by one process at a time.
create table turns (
    endpoint text not null,
    name     text not null,                 -- what is done in turn
    owner    text not null,                 -- whose turn it is
    until    integer not null,              -- and until when, at most
    primary key (endpoint, name)
) strict;

pragma user_version = 15;
