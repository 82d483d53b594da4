-- From version 16 to 17: a post that a person wants taken away goes, whatever becomes of its article; one whose article came
-- back stays.
alter table deliveries add column removal_by_hand integer not null default 0;
update deliveries set removal_by_hand = 1 where removal = 'due' and reason = 'it is to be taken away, by hand';
-- Whom a person is asked about is looked up at every pass.
create index deliveries_asked on deliveries (article) where removal = 'held';

pragma user_version = 17;
