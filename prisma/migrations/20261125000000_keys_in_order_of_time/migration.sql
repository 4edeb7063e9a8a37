-- The keys of messages led with the recipient. With ten million messages of a million users each send wrote three
-- random pages of indexes, each of which goes whole into the write-ahead log the first time after a checkpoint: 27 KB
-- of log a message instead of 2 KB in an empty table. Led by the id, which grows with time, the primary key is written
-- at its end, and so is the key of retries where the client's ids are in order of time (UUID version 7).
-- And only the waiting messages can be found by their recipient now: the planner was seen to read a whole mailbox, what
-- was delivered of it too, through an index that happened to begin with the recipient.
-- Every key still holds the recipient, as a cluster that is sharded by it demands.
-- Both indexes are built while the table is locked: half a minute for ten million messages.
ALTER TABLE "messages"
  DROP CONSTRAINT "messages_pkey",
  ADD CONSTRAINT "messages_pkey" PRIMARY KEY ("id", "recipient_id");
DROP INDEX "messages_client_message_id";
CREATE UNIQUE INDEX "messages_client_message_id" ON "messages" ("client_message_id", "recipient_id", "sender_id");
