-- depends: 0005_erasure

-- Who is in no conversation but erased ones has no name and no external id left. From now on that goes with the last
-- conversation's erasure; here for those of before.
update participant p set profile = '', external_hmac = 'erased ' || p.id
where not exists (
    select from conversation o where p.id in (o.client, o.therapist) and o.erasure_done_at is null
) and exists (select from conversation o where p.id in (o.client, o.therapist));
