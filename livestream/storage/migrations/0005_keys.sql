-- A key's answer is written a moment after the key, by the same transaction: into the same page, so that no index hears of it.
ALTER TABLE idempotency SET (fillfactor = 15);
-- Keys are made in the order of time, and are only ever searched for by it to be forgotten.
DROP INDEX idempotency_age;
CREATE INDEX idempotency_age ON idempotency USING brin (created_at);
