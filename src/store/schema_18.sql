-- From version 17 to 18: no table changes; the log tells more of what other hands do (log.sql).

pragma user_version = 18;
