-- Accounts. Names are kept as written and unique without regard to case, and the C collation folds ASCII alone,
-- whatever the database's own locale makes of "I".
CREATE TABLE "users" (
  "id" UUID NOT NULL DEFAULT gen_random_uuid(),
  "username" TEXT NOT NULL,
  "password_hash" TEXT NOT NULL,
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now(),
  CONSTRAINT "users_pkey" PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "users_username_folded" ON "users" (lower("username" COLLATE "C"));

-- The present public key of each account.
CREATE TABLE "public_keys" (
  "user_id" UUID NOT NULL,
  "public_key" TEXT NOT NULL,
  "key_version" INTEGER NOT NULL DEFAULT 1,
  "fingerprint" TEXT NOT NULL,
  "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now(),
  CONSTRAINT "public_keys_pkey" PRIMARY KEY ("user_id"),
  CONSTRAINT "public_keys_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users" ("id") ON DELETE RESTRICT ON UPDATE RESTRICT
);

-- A UUID of version 7 (RFC 9562, 5.7) from the database's clock: 48 bits of milliseconds, then the fraction of the
-- millisecond in the 12 bits of rand_a (method 3 of section 6.2), then 62 random bits behind the variant. Two sends
-- of one sender within a millisecond keep their order. PostgreSQL 18 has uuidv7(), this works on every version.
-- (No semicolon stands in a comment or a body here: the engine takes a script apart at each.)
CREATE FUNCTION "relay_message_id"() RETURNS UUID LANGUAGE SQL VOLATILE PARALLEL SAFE AS $$
  SELECT (
    lpad(to_hex(micros / 1000), 12, '0')
    || '7' || lpad(to_hex((micros % 1000) * 4096 / 1000), 3, '0')
    || substr(random, 20, 4) || substr(random, 25)
  )::uuid
  FROM (
    SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS micros, gen_random_uuid()::text AS random
  ) AS clock
$$;

-- Messages on their way. Every key leads with the recipient, so that a mailbox is one place on disk and one shard
-- of a cluster. Confirming empties the ciphertext, and the record with its hash stays until forget_at.
CREATE TABLE "messages" (
  "recipient_id" UUID NOT NULL,
  "id" UUID NOT NULL DEFAULT "relay_message_id"(),
  "sender_id" UUID NOT NULL,
  "client_message_id" UUID NOT NULL,
  "ciphertext" TEXT,
  "ciphertext_hash" BYTEA NOT NULL,
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now(),
  "expires_at" TIMESTAMPTZ(3) NOT NULL,
  "delivered_at" TIMESTAMPTZ(3),
  "forget_at" TIMESTAMPTZ(3) NOT NULL,
  CONSTRAINT "messages_pkey" PRIMARY KEY ("recipient_id", "id"),
  CONSTRAINT "messages_recipient_id_fkey" FOREIGN KEY ("recipient_id") REFERENCES "users" ("id") ON DELETE RESTRICT ON UPDATE RESTRICT,
  CONSTRAINT "messages_sender_id_fkey" FOREIGN KEY ("sender_id") REFERENCES "users" ("id") ON DELETE RESTRICT ON UPDATE RESTRICT
);
CREATE UNIQUE INDEX "messages_client_message_id" ON "messages" ("recipient_id", "sender_id", "client_message_id");
-- The undelivered set, for the list and the caps.
CREATE INDEX "messages_waiting" ON "messages" ("recipient_id", "id") WHERE "delivered_at" IS NULL;
-- For the purge.
CREATE INDEX "messages_forget_at" ON "messages" ("forget_at");

-- Ciphertext does not compress.
ALTER TABLE "messages" ALTER COLUMN "ciphertext" SET STORAGE EXTERNAL;
-- A queue's rows die young: vacuum long before a fifth of the table is dead (the default).
ALTER TABLE "messages" SET (
  autovacuum_vacuum_scale_factor = 0.02,
  autovacuum_vacuum_insert_scale_factor = 0.02,
  autovacuum_analyze_scale_factor = 0.02,
  toast.autovacuum_vacuum_scale_factor = 0.02,
  toast.autovacuum_vacuum_insert_scale_factor = 0.02
);
