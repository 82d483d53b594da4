-- What SQLite has and PostgreSQL has not, or calls otherwise: so that statements are written once.

-- The greater of two numbers; nothing, if one of them is nothing.
create or replace function max(a bigint, b bigint) returns bigint language sql immutable
    as 'select case when a is null or b is null then null when a < b then b else a end';

create or replace function iif(is_so boolean, a bigint, b bigint) returns bigint language sql immutable
    as 'select case when is_so then a else b end';

-- The texts of a list in JSON.
create or replace function json_each(list text) returns table (value text) language sql immutable
    as 'select json_array_elements_text(list::json)';

create or replace function iif(is_so boolean, a text, b text) returns text language sql immutable
    as 'select case when is_so then a else b end';

-- Where a text stands in another; 0 if it does not.
create or replace function instr(whole text, part text) returns bigint language sql immutable
    as 'select strpos(whole, part)::bigint';
