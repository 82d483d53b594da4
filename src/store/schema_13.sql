-- From version 12 to 13: published posts follow their article, where their rule says so.
alter table deliveries add column edition text;                       -- which form of its article the post answers for (a hash)
-- new: it was just published, and is compared at the next pass; due: it is to be made what its article says; held: a
-- person says whether; failed: it cannot be
alter table deliveries add column edit text check (edit in ('new','due','held','failed'));
alter table deliveries add column edit_edition text;                  -- which form it is to answer for
alter table deliveries add column edit_at integer;                    -- not before
alter table deliveries add column edit_asks integer not null default 0;     -- a person is asked, whatever the rule says
alter table deliveries add column edit_by_hand integer not null default 0;  -- a person wants it
alter table deliveries add column edit_since integer;                 -- when its first try was
alter table deliveries add column edit_tries integer not null default 0;
alter table deliveries add column edit_until integer;                 -- a try is under way until then, at most
alter table deliveries add column edit_post text;                     -- JSON: the post as the network may have it by now
create index deliveries_edit on deliveries (edit, endpoint, edit_at) where edit is not null;
-- A pass reads what may still change, and never all that was ever published.
create index deliveries_waiting on deliveries (state) where state in ('pending', 'held', 'sending', 'uncertain');
create index deliveries_withdrawn on deliveries (article) where withdrawn = 1;

pragma user_version = 13;
