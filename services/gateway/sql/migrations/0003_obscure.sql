-- depends: 0002_live_off

-- Whether connections of a tenant are obscured on the wire: where they ask for it, always, never.
alter table tenant add column obscure text not null default 'offered'
    check (obscure in ('offered', 'required', 'forbidden'));
