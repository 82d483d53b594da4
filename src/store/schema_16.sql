-- From version 15 to 16: images that nothing shows or will send again are let go; a wait tells when it began, so that one
-- that a wrong clock began is known when the clock is set right.
create index media_by_age on media (kept_at);
alter table deliveries add column waits_from integer;      -- when retry_at was set
create index deliveries_waits on deliveries (endpoint, waits_from) where state = 'pending' and waits_from is not null;
alter table endpoint_health add column closed_since integer; -- when closed_until was set

pragma user_version = 16;
