-- From version 1 to 2: the index and the entries are new; hashes are shorter, and those of texts are worked out anew.
create index articles_gone on articles (gone_since) where gone_since is not null;

-- The index: what was read of the articles that stand, so that a restart reads none of them again. It can be lost.
create table index_pages (
    page integer primary key,
    body blob not null
) strict;

-- What feeds show of their articles: a file that breaks keeps its last good form.
create table entries (
    article text primary key,
    body    text not null                   -- JSON
) strict;

update articles set visible = '', sketch = x'', state = substr(state, 1, 16);

pragma user_version = 2;
