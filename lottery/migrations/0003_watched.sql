-- Weights are judged once more at the close; how long somebody had watched is known only when they enter.

ALTER TABLE draw_entry ADD watched_s integer NOT NULL DEFAULT 0 CHECK (watched_s >= 0);
