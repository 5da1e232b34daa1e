-- depends: 0020_tenants

-- What features record: `record` is the asker's own id for it, `data` what isn't text. `intervention`: of a message, as
-- its author says now. A message that was taken back has an empty content; its fingerprint stays, so that sending it
-- again is still told from sending something else under its id.
alter table event
    add column record uuid,
    add column data jsonb,
    add column intervention text,
    add constraint event_record_whole check (record is null or (seq is null and sender is not null));
create unique index event_record on event (conversation, record) where record is not null;
create index event_record_n on event (conversation, n) where record is not null;
