-- depends: 0001_initial

-- Commands that a process may have died of (shared/runtime/suspects.py); empty but for moments.
create table suspect (command uuid primary key, alone integer not null default 0);
