-- What must outlive the deployment's secret: people are found by the shop's own id, receipts signed by a key that is kept.

CREATE TABLE draw_key (                             -- signs the receipts of a shop's draws from here on
    shop_id     text PRIMARY KEY REFERENCES shop ON DELETE CASCADE,
    key         bytea NOT NULL CHECK (length(key) = 32)         -- Ed25519, private
);

ALTER TABLE draw
    ADD signing_key bytea CHECK (length(signing_key) = 32),     -- the shop's, as it was when the draw opened
    ADD weighed_at  timestamptz;                    -- weights are frozen: judged once more as of the close

ALTER TABLE draw_entry DROP CONSTRAINT draw_entry_draw_id_pseudonym_key;
CREATE INDEX draw_entry_person ON draw_entry (viewer_id, draw_id);

ALTER TABLE draw_pick
    ADD handed_at   timestamptz,                    -- the shop says that the winner has it
    ADD gone_why    text CHECK (gone_why IN ('unclaimed', 'declined', 'disqualified')),
    ADD CHECK (handed_at IS NULL OR claimed_at IS NOT NULL);
UPDATE draw_pick SET gone_why = 'unclaimed' WHERE lapsed_at IS NOT NULL;
ALTER TABLE draw_pick ADD CHECK ((lapsed_at IS NULL) = (gone_why IS NULL));
