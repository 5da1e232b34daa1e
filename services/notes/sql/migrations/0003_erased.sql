-- depends: 0002_suspects

-- An erased conversation keeps that notes existed, whose, and when.
alter table conversation add column erased_at timestamptz;
