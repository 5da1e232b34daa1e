-- depends: 0004_people

-- An erased conversation keeps its decisions; nothing else is done in it any more.
alter table conversation add column erased_at timestamptz;
