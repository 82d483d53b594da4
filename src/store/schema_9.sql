-- From version 8 to 9: what readers saw of an article when its post was approved.
alter table approvals add column version text not null default '';    -- hash of it, as `articles.visible`

pragma user_version = 9;
