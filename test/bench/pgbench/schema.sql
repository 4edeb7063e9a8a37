-- For pgbench alone: the server's table, without what only the server needs.
create table if not exists users (id uuid primary key);
create table if not exists messages (
  recipient_id uuid not null references users,
  id uuid not null,
  sender_id uuid not null references users,
  ciphertext text,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null default now() + interval '7 days',
  delivered_at timestamptz,
  primary key (recipient_id, id)
);
create index if not exists messages_waiting on messages (recipient_id, id) where delivered_at is null;
create index if not exists messages_expiry on messages (expires_at);
insert into users select ('00000000-0000-4000-8000-' || lpad(i::text, 12, '0'))::uuid from generate_series(1, 64) i
  on conflict do nothing;
