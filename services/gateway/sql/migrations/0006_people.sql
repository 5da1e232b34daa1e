-- depends: 0004_refusals

-- The conversation that a repeatable answer is about. Answers hold names: they go when it is erased.
alter table idempotency add column conversation uuid;
create index idempotency_conversation on idempotency (conversation) where answer is not null;

-- What of a request was wrong.
alter table refusal add column field text;
