-- From version 2 to 3: readers are told what they saw and do not see any more; feeds say when one of their articles changed.
alter table articles add column withdrawn_at integer;                  -- when readers ceased to see it
alter table articles add column event text;                            -- JSON: when it was to take place, once it is withdrawn
alter table articles add column guid text;                             -- its identity in feeds, where that is an old address
update articles set withdrawn_at = gone_since where decided is not null;

alter table feeds add column changed integer;                          -- when an article of it last came, went or changed
alter table feeds add column print text not null default '';           -- what its articles are

pragma user_version = 3;
