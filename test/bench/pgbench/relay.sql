\set r :client_id + 1
\set s random(1, 64)
insert into messages (recipient_id, id, sender_id, ciphertext) values (('00000000-0000-4000-8000-' || lpad(cast(:r as text), 12, '0'))::uuid, gen_random_uuid(), ('00000000-0000-4000-8000-' || lpad(cast(:s as text), 12, '0'))::uuid, :ct) returning id as mid \gset
select id, sender_id, ciphertext, created_at, expires_at from messages where recipient_id = ('00000000-0000-4000-8000-' || lpad(cast(:r as text), 12, '0'))::uuid and delivered_at is null and expires_at > now() order by id;
update messages set delivered_at = now(), ciphertext = null where id = cast(:mid as uuid) and recipient_id = ('00000000-0000-4000-8000-' || lpad(cast(:r as text), 12, '0'))::uuid;
