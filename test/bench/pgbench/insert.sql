\set s random(1, 64)
\set r random(1, 64)
insert into messages (recipient_id, id, sender_id, ciphertext) values (('00000000-0000-4000-8000-' || lpad(cast(:r as text), 12, '0'))::uuid, gen_random_uuid(), ('00000000-0000-4000-8000-' || lpad(cast(:s as text), 12, '0'))::uuid, :ct);
