-- What a receipt says was promised at entry stays so; a root counts once somebody has seen it in time.

ALTER TABLE draw_entry ADD promised bigint;                     -- the weight at entry, which receipts are signed over
UPDATE draw_entry SET promised = weight;
ALTER TABLE draw_entry ALTER promised SET NOT NULL, ADD CHECK (promised BETWEEN 1 AND weight);

ALTER TABLE draw ADD seen_at timestamptz;                       -- a later transaction found its root, before the beacon
UPDATE draw SET seen_at = rooted_at WHERE state <> 'void';
ALTER TABLE draw ADD CHECK (seen_at IS NULL OR root IS NOT NULL);
