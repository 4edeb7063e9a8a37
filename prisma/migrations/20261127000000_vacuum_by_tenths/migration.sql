-- A vacuum goes through every index from end to end. At a fiftieth of ten million rows, as before, a purge of a million
-- calls for five, and at a tenth for one. Until then a tenth of the table may be dead.
ALTER TABLE "messages" SET (
  autovacuum_vacuum_scale_factor = 0.1,
  autovacuum_vacuum_insert_scale_factor = 0.1,
  toast.autovacuum_vacuum_scale_factor = 0.1,
  toast.autovacuum_vacuum_insert_scale_factor = 0.1
);
