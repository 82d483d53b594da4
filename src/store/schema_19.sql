-- From version 18 to 19: no table changes; the log tells what is decided of withdrawing a post (log.sql).

pragma user_version = 19;
