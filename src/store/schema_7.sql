-- From version 6 to 7: images of posts, and deliveries that wait for a person's word on one.

-- Each image once, by its content; posts name it by its digest.
create table media (
    digest     text primary key,             -- SHA-256, hexadecimal
    media_type text not null,
    body       blob not null,
    kept_at    integer not null
) strict;

alter table journal add column post text;  -- JSON: the whole post, with what stands beside its text

alter table deliveries add column image_held integer not null default 0;  -- it was held for an image: who approves it knows

pragma user_version = 7;
