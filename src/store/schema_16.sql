-- From version 15 to 16: images that nothing shows or will send again are let go.
create index media_by_age on media (kept_at);

pragma user_version = 16;
