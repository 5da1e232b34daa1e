-- depends: 0002_suspects

-- Commands that, delivered again, are to be answered as the first time. Null: it was made before this.
alter table conversation add column created_by uuid;
alter table session add column ended_by uuid;
