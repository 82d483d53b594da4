-- The log in PostgreSQL: the same triggers as in log.sql, by the same names. Numbers have no gap, since writers take turns.
create table if not exists log (
    number   bigint primary key,
    at       bigint,
    kind     text collate "C" not null,
    delivery bigint,
    body     text collate "C" not null,
    previous text collate "C",
    seal     text collate "C"
);
create index if not exists log_unsealed on log (number) where seal is null;

create or replace function log_say(kind text, delivery bigint, body json) returns void language sql
    as 'insert into log (number, kind, delivery, body) select coalesce(max(number), 0) + 1, log_say.kind, log_say.delivery, log_say.body::text from log';

create or replace function log_stays() returns trigger language plpgsql as $$
begin
    raise exception 'the log is only ever added to';
end $$;
create or replace trigger log_stays_1 before update on log for each row when (old.seal is not null) execute function log_stays();
create or replace trigger log_stays_2 before delete on log for each row execute function log_stays();

create or replace function log_booked() returns trigger language plpgsql as $$
begin
    perform log_say('booked', new.id, json_build_object('article', new.article, 'rule', new.rule,
        'step', new.step, 'endpoint', new.endpoint, 'path', new.path, 'state', new.state, 'due_at', new.due_at,
        'reason', new.reason));
    return null;
end $$;
create or replace trigger log_booked after insert on deliveries for each row
    execute function log_booked();

create or replace function log_changed() returns trigger language plpgsql as $$
begin
    perform log_say('changed', new.id, json_build_object('from', old.state, 'state', new.state,
        'due_at', new.due_at, 'retry_at', new.retry_at, 'reason', new.reason, 'by_hand', new.by_hand,
        'text', new.override, 'remote_id', new.remote_id, 'remote_url', new.remote_url, 'removal', new.removal));
    return null;
end $$;
create or replace trigger log_changed after update on deliveries for each row
    when ((new.state <> 'sending' or old.state not in ('pending', 'sending')) and (new.state is distinct from old.state or new.due_at is distinct from old.due_at or new.reason is distinct from old.reason
    or new.withdrawn is distinct from old.withdrawn or new.override is distinct from old.override or new.remote_id is distinct from old.remote_id
    or new.removal is distinct from old.removal))
    execute function log_changed();

create or replace function log_key_changed() returns trigger language plpgsql as $$
begin
    perform log_say('key changed', new.id, json_build_object('article', new.article,
        'rule', new.rule, 'step', new.step, 'endpoint', new.endpoint, 'network', new.network));
    return null;
end $$;
create or replace trigger log_key_changed after update on deliveries for each row
    when (new.article is distinct from old.article or new.rule is distinct from old.rule or new.step is distinct from old.step
    or new.endpoint is distinct from old.endpoint or new.network is distinct from old.network)
    execute function log_key_changed();

create or replace function log_edited() returns trigger language plpgsql as $$
begin
    perform log_say('edit', new.id, json_build_object('edit', nullif(new.edit, 'new'), 'edition', new.edition,
        'wanted', new.edit_edition, 'at', new.edit_at, 'tries', new.edit_tries, 'by_hand', new.edit_by_hand,
        'reason', new.reason, 'sending', new.edit_post::json));
    return null;
end $$;
create or replace trigger log_edited after update on deliveries for each row
    when (nullif(new.edit, 'new') is distinct from nullif(old.edit, 'new') or new.edit_edition is distinct from old.edit_edition
    or new.edit_tries is distinct from old.edit_tries or new.edit_post is distinct from old.edit_post)
    execute function log_edited();

create or replace function log_removal() returns trigger language plpgsql as $$
begin
    perform log_say('removal', new.id, json_build_object('tries', new.removal_tries, 'until', new.removal_at,
        'by_hand', new.removal_by_hand));
    return null;
end $$;
create or replace trigger log_removal after update on deliveries for each row
    when (new.removal_tries > old.removal_tries)
    execute function log_removal();

create or replace function log_gone() returns trigger language plpgsql as $$
begin
    perform log_say('taken out', old.id, json_build_object('article', old.article, 'rule', old.rule,
        'step', old.step, 'endpoint', old.endpoint, 'state', old.state));
    return null;
end $$;
create or replace trigger log_gone after delete on deliveries for each row
    execute function log_gone();

create or replace function log_attempt() returns trigger language plpgsql as $$
begin
    perform log_say('attempt', new.delivery, json_build_object('number', new.number,
        'started_at', new.started_at, 'post', (select post from deliveries where id = new.delivery)::json));
    return null;
end $$;
create or replace trigger log_attempt after insert on attempts for each row
    execute function log_attempt();

create or replace function log_answer() returns trigger language plpgsql as $$
begin
    perform log_say('answer', new.delivery, json_build_object('number', new.number,
        'finished_at', new.finished_at, 'outcome', new.outcome, 'detail', new.detail));
    return null;
end $$;
create or replace trigger log_answer after update on attempts for each row
    when (new.outcome is distinct from old.outcome)
    execute function log_answer();

create or replace function log_decided() returns trigger language plpgsql as $$
begin
    perform log_say('decided', null, json_build_object('article', new.id, 'path', new.path,
        'from', old.decided, 'decided', new.decided));
    return null;
end $$;
create or replace trigger log_decided after update of decided on articles for each row
    when (new.decided is distinct from old.decided)
    execute function log_decided();

create or replace function log_first_start() returns trigger language plpgsql as $$
begin
    perform log_say('first start', null, json_build_object('at', new.value,
        'baseline', (select count(*) from articles where decided = 'baseline')));
    return null;
end $$;
create or replace trigger log_first_start after insert on meta for each row
    when (new.name = 'first_start')
    execute function log_first_start();

create or replace function log_silence() returns trigger language plpgsql as $$
begin
    perform log_say('silence', null, json_build_object('since', new.since, 'reason', new.reason, 'person', new.person));
    return null;
end $$;
create or replace trigger log_silence after insert on silences for each row
    execute function log_silence();

create or replace function log_silence_over() returns trigger language plpgsql as $$
begin
    perform log_say('silence over', null, json_build_object('since', new.since, 'ended_at', new.ended_at, 'person', new.ended_by));
    return null;
end $$;
create or replace trigger log_silence_over after update on silences for each row
    when (new.ended_at is distinct from old.ended_at)
    execute function log_silence_over();

create or replace function log_act() returns trigger language plpgsql as $$
begin
    perform log_say('act', new.delivery, json_build_object('at', new.at, 'person', new.person,
        'road', new.road, 'act', new.act, 'detail', new.detail));
    return null;
end $$;
create or replace trigger log_act after insert on acts for each row
    execute function log_act();

create or replace function log_approval() returns trigger language plpgsql as $$
begin
    perform log_say('approval', new.delivery, json_build_object('person', new.person, 'print', new.print,
        'given_at', new.given_at, 'post', new.post::json));
    return null;
end $$;
create or replace trigger log_approval after insert on approvals for each row
    execute function log_approval();

create or replace function log_approval_voided() returns trigger language plpgsql as $$
begin
    perform log_say('approval voided', new.delivery, json_build_object('person', new.person,
        'print', new.print, 'given_at', new.given_at, 'voided_at', new.voided_at, 'reason', new.voided_why));
    return null;
end $$;
create or replace trigger log_approval_voided after update on approvals for each row
    when (new.voided_at is distinct from old.voided_at)
    execute function log_approval_voided();
