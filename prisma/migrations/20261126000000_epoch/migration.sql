-- The database's epoch: clients that see another one know that a backup was restored, and offer again what was not
-- delivered. One row, ever. The system is PostgreSQL's name for the cluster that the epoch began in, or null until a
-- server has looked: a dump that is restored into another cluster is noticed by it.
CREATE TABLE "epoch" (
  "single" BOOLEAN NOT NULL DEFAULT true,
  "id" UUID NOT NULL DEFAULT gen_random_uuid(),
  "began_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now(),
  "system" BIGINT,
  CONSTRAINT "epoch_pkey" PRIMARY KEY ("single"),
  CONSTRAINT "epoch_single" CHECK ("single")
);
INSERT INTO "epoch" DEFAULT VALUES;
