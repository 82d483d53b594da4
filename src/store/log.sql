-- The log, and what writes into it: every change of the outbox, in the transaction that makes it, whoever makes it. It
-- has no version of its own: it is made whole after any step of the tables, so that none can leave a change untold. Post
-- texts are what everybody reads; secrets stand in no column named here.
create table if not exists log (
    number   integer primary key,           -- 1, 2, 3 … without a gap
    at       integer,                       -- when it was sealed; null until then, which is before its transaction ends
    kind     text not null,
    delivery integer,
    body     text not null,                 -- JSON
    previous text,                          -- seal of the entry before
    seal     text                           -- SHA-256 of all of this (see log.rs)
) strict;
create index if not exists log_unsealed on log (number) where seal is null;

-- What there was before the log began.
insert into log (kind, delivery, body)
select 'found', id, json_object('article', article, 'rule', rule, 'step', step, 'endpoint', endpoint, 'path', path,
    'state', state, 'due_at', due_at, 'reason', reason, 'remote_id', remote_id, 'remote_url', remote_url)
from deliveries where not exists (select 1 from log) order by id;

drop trigger if exists log_stays_1;
create trigger log_stays_1 before update on log when old.seal is not null
begin select raise(abort, 'the log is only ever added to'); end;

drop trigger if exists log_stays_2;
create trigger log_stays_2 before delete on log
begin select raise(abort, 'the log is only ever added to'); end;

drop trigger if exists log_booked;
create trigger log_booked after insert on deliveries
begin
    insert into log (kind, delivery, body) values ('booked', new.id, json_object('article', new.article, 'rule', new.rule,
        'step', new.step, 'endpoint', new.endpoint, 'path', new.path, 'state', new.state, 'due_at', new.due_at,
        'reason', new.reason));
end;

-- That one is being tried is no news, if it was to be.
drop trigger if exists log_changed;
create trigger log_changed after update on deliveries
when (new.state <> 'sending' or old.state not in ('pending', 'sending')) and (new.state is not old.state or new.due_at is not old.due_at or new.reason is not old.reason
    or new.withdrawn is not old.withdrawn or new.override is not old.override or new.remote_id is not old.remote_id
    or new.removal is not old.removal)
begin
    insert into log (kind, delivery, body) values ('changed', new.id, json_object('from', old.state, 'state', new.state,
        'due_at', new.due_at, 'retry_at', new.retry_at, 'reason', new.reason, 'by_hand', new.by_hand,
        'text', new.override, 'remote_id', new.remote_id, 'remote_url', new.remote_url, 'removal', new.removal));
end;

-- Nothing of ours changes these.
drop trigger if exists log_key_changed;
create trigger log_key_changed after update on deliveries
when new.article is not old.article or new.rule is not old.rule or new.step is not old.step or new.endpoint is not old.endpoint
    or new.network is not old.network
begin
    insert into log (kind, delivery, body) values ('key changed', new.id, json_object('article', new.article,
        'rule', new.rule, 'step', new.step, 'endpoint', new.endpoint, 'network', new.network));
end;

-- That a post was just published is told already.
drop trigger if exists log_edited;
create trigger log_edited after update on deliveries
when nullif(new.edit, 'new') is not nullif(old.edit, 'new') or new.edit_edition is not old.edit_edition
    or new.edit_tries is not old.edit_tries or new.edit_post is not old.edit_post
begin
    insert into log (kind, delivery, body) values ('edit', new.id, json_object('edit', nullif(new.edit, 'new'),
        'edition', new.edition, 'wanted', new.edit_edition, 'at', new.edit_at, 'tries', new.edit_tries,
        'by_hand', new.edit_by_hand, 'reason', new.reason,
        'sending', iif(json_valid(new.edit_post), json(new.edit_post), new.edit_post)));
end;

-- What came of a removal is told with its reason; that it was tried is told before the network is called.
drop trigger if exists log_removal;
create trigger log_removal after update on deliveries
when new.removal_tries > old.removal_tries
begin
    insert into log (kind, delivery, body) values ('removal', new.id, json_object('tries', new.removal_tries,
        'until', new.removal_at, 'by_hand', new.removal_by_hand));
end;

drop trigger if exists log_gone;
create trigger log_gone after delete on deliveries
begin
    insert into log (kind, delivery, body) values ('taken out', old.id, json_object('article', old.article, 'rule', old.rule,
        'step', old.step, 'endpoint', old.endpoint, 'state', old.state));
end;

drop trigger if exists log_attempt;
create trigger log_attempt after insert on attempts
begin
    insert into log (kind, delivery, body) values ('attempt', new.delivery, json_object('number', new.number,
        'started_at', new.started_at, 'post', json((select post from deliveries where id = new.delivery))));
end;

drop trigger if exists log_answer;
create trigger log_answer after update on attempts when new.outcome is not old.outcome
begin
    insert into log (kind, delivery, body) values ('answer', new.delivery, json_object('number', new.number,
        'finished_at', new.finished_at, 'outcome', new.outcome, 'detail', new.detail));
end;

drop trigger if exists log_decided;
create trigger log_decided after update of decided on articles when new.decided is not old.decided
begin
    insert into log (kind, body) values ('decided', json_object('article', new.id, 'path', new.path,
        'from', old.decided, 'decided', new.decided));
end;

drop trigger if exists log_first_start;
create trigger log_first_start after insert on meta when new.name = 'first_start'
begin
    insert into log (kind, body) values ('first start', json_object('at', new.value,
        'baseline', (select count(*) from articles where decided = 'baseline')));
end;

drop trigger if exists log_silence;
create trigger log_silence after insert on silences
begin
    insert into log (kind, body) values ('silence', json_object('since', new.since, 'reason', new.reason, 'person', new.person));
end;

drop trigger if exists log_silence_over;
create trigger log_silence_over after update on silences when new.ended_at is not old.ended_at
begin
    insert into log (kind, body) values ('silence over', json_object('since', new.since, 'ended_at', new.ended_at, 'person', new.ended_by));
end;

drop trigger if exists log_act;
create trigger log_act after insert on acts
begin
    insert into log (kind, delivery, body) values ('act', new.delivery, json_object('at', new.at, 'person', new.person,
        'road', new.road, 'act', new.act, 'detail', new.detail));
end;

drop trigger if exists log_approval;
create trigger log_approval after insert on approvals
begin
    insert into log (kind, delivery, body) values ('approval', new.delivery, json_object('person', new.person, 'print', new.print,
        'given_at', new.given_at, 'post', json(new.post)));
end;

drop trigger if exists log_approval_voided;
create trigger log_approval_voided after update on approvals when new.voided_at is not old.voided_at
begin
    insert into log (kind, delivery, body) values ('approval voided', new.delivery, json_object('person', new.person,
        'print', new.print, 'given_at', new.given_at, 'voided_at', new.voided_at, 'reason', new.voided_why));
end;
