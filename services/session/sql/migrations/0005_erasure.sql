-- depends: 0004_compositions

-- An erased conversation keeps its ids and times. `erased_by`: the command, which is answered alike when it comes again.
-- The keys are destroyed first; the erasure is done when no process can have them in its memory any more.
alter table conversation
    add column erased_at timestamptz,
    add column erased_by uuid,
    add column keys_destroyed_at timestamptz,
    add column erasure_done_at timestamptz;
create index conversation_erasing on conversation (erased_at) where erased_at is not null and erasure_done_at is null;
