-- 20,000 delivered messages of a week.
truncate messages;
insert into messages (recipient_id, id, sender_id, ciphertext, created_at, expires_at, delivered_at)
  select ('00000000-0000-4000-8000-' || lpad((1 + (i * 7 + 1) % 64)::text, 12, '0'))::uuid, gen_random_uuid(),
    ('00000000-0000-4000-8000-' || lpad((1 + i % 64)::text, 12, '0'))::uuid, null, sent, sent + interval '7 days', sent + interval '1 minute'
  from (select i, now() - interval '7 days' * (i / 20001.0) as sent from generate_series(1, 20000) i) s;
vacuum analyze users, messages;
checkpoint;
