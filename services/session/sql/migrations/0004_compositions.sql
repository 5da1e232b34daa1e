-- depends: 0003_made_by

-- How drafts were written, kept under their authors' consent. A deleted one leaves its ids, so that nothing late revives it.
create table composition (
    conversation uuid not null references conversation,
    draft uuid not null,
    author uuid not null,
    begun_at timestamptz not null,
    opened boolean not null default false,
    deleted boolean not null default false,
    primary key (conversation, draft)
);
create index composition_begun on composition (conversation, begun_at desc, draft desc) where not deleted;

-- What one gateway kept in one go is a run, in parts; the last part of a run grows until the next one begins.
create table composition_part (
    conversation uuid not null,
    draft uuid not null,
    run uuid not null,
    number integer not null,
    place bigint generated always as identity,
    ops integer not null,
    content bytea not null,
    primary key (conversation, draft, run, number),
    foreign key (conversation, draft) references composition
);

create table composition_mark (
    conversation uuid not null,
    mark uuid not null,
    draft uuid not null,
    author uuid not null,
    at_op integer not null,
    at timestamptz not null,
    fingerprint text not null,
    content bytea not null,
    primary key (conversation, mark),
    foreign key (conversation, draft) references composition
);
create index composition_mark_draft on composition_mark (conversation, draft);
