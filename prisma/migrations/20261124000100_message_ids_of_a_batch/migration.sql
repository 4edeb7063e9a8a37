-- The id of a message that is sent with others in one statement: a UUID of version 7 from the statement's time, which is
-- the message's created_at too, and from its place among them, 0 to 63, which takes six of the random bits. So ids and
-- times agree in order also where two batches are under way at once.
-- One expression without FROM, so that PostgreSQL writes it into the insert instead of calling a function for each row:
-- milliseconds and the 12 bits of their fraction are one number (microseconds * 4096 / 1000), into whose 15 hex digits
-- the version goes before the last three.
CREATE FUNCTION "relay_message_id"("at" TIMESTAMPTZ, "place" INTEGER) RETURNS UUID LANGUAGE SQL VOLATILE PARALLEL SAFE AS $$
  SELECT (
    overlay(
      lpad(to_hex((extract(epoch FROM "at") * 1000000)::bigint * 512 / 125), 15, '0') PLACING '7' FROM 13 FOR 0
    ) || to_hex(128 + "place") || substr(gen_random_uuid()::text, 22)
  )::uuid
$$;
