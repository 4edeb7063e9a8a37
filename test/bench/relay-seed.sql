-- This server's table as it has it in service: 20,000 messages that were sent in the course of a week and confirmed
-- during the last day (a record goes a day after its confirmation), their ciphertext emptied, and statistics that say so.
-- On an empty table that was just analyzed the planner chooses plans that no running server would see.
insert into users (id, username, password_hash)
  select ('00000000-0000-4000-9000-' || lpad(i::text, 12, '0'))::uuid, 'seed' || i, 'x' from generate_series(1, 64) i
  on conflict do nothing;
insert into public_keys (user_id, public_key, fingerprint)
  select ('00000000-0000-4000-9000-' || lpad(i::text, 12, '0'))::uuid, 'k', encode(sha256('k'), 'hex') from generate_series(1, 64) i
  on conflict do nothing;
truncate messages;
insert into messages (recipient_id, id, sender_id, client_message_id, ciphertext, ciphertext_hash, created_at, expires_at, delivered_at, forget_at)
  select ('00000000-0000-4000-9000-' || lpad((1 + (i * 7 + 1) % 64)::text, 12, '0'))::uuid,
    -- As the server makes them: version 7, by the time of sending.
    (lpad(to_hex((extract(epoch from created) * 1000)::bigint), 12, '0') || '7' || substr(random, 16, 3) || substr(random, 20, 4) || substr(random, 25))::uuid,
    ('00000000-0000-4000-9000-' || lpad((1 + i % 64)::text, 12, '0'))::uuid, gen_random_uuid(),
    null, sha256(i::text::bytea), created, created + interval '7 days', delivered, delivered + interval '24 hours'
  from (
    select i, gen_random_uuid()::text as random, now() - interval '7 days' * (i / 20001.0) as created,
      now() - interval '23 hours' * (i / 20001.0) as delivered
    from generate_series(1, 20000) i
  ) sent;
vacuum analyze users, public_keys, messages;
checkpoint;
