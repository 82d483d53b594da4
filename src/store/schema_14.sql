-- From version 13 to 14: what is next for an endpoint is found, not looked for among all that wait or ever went out.
drop index if exists deliveries_by_endpoint;
create index deliveries_due on deliveries (endpoint, due_at, id) where state = 'pending';
create index deliveries_ready on deliveries (endpoint, max(due_at, coalesce(retry_at, due_at)), id) where state = 'pending';
create index deliveries_sending on deliveries (endpoint) where state = 'sending';
create index deliveries_published on deliveries (endpoint, published_at) where published_at is not null;
create index deliveries_receipts on deliveries (endpoint) where remote_id is not null;
create index deliveries_in_doubt on deliveries (endpoint, last_attempt) where look_first = 1;
create index deliveries_campaign on deliveries (id) where step = 'campaign';

pragma user_version = 14;
