-- Draws. Lock order within a transaction: idempotency → room → draw → its rows → room_head last.
-- Who enters takes the draw's row alone; whoever changes its state takes the room's row first.

CREATE TABLE draw (
    draw_id     text PRIMARY KEY CHECK (draw_id ~ '^[0-9a-f]{32}$'),
    number      bigint GENERATED ALWAYS AS IDENTITY UNIQUE,     -- order of making
    room_id     text NOT NULL REFERENCES room ON DELETE CASCADE,
    shop_id     text NOT NULL REFERENCES shop ON DELETE CASCADE,
    show_id     text,                               -- in which it was opened
    state       text NOT NULL CHECK (state IN (
                    'announced',                    -- → open, cancelled
                    'open',                         -- → closed, cancelled
                    'closed',                       -- → drawn, void
                    'drawn',                        -- → settled
                    'settled', 'cancelled', 'void')),           -- for good
    plan        json NOT NULL,                      -- protocol.draws.DrawPlan
    body        json NOT NULL,                      -- protocol.draws.Draw, as the room log has it
    salt        bytea NOT NULL CHECK (length(salt) = 32),       -- never leaves: it would tell who took part
    secret      bytea NOT NULL CHECK (length(secret) = 32),     -- the server's, as a co-host; public once revealed
    rules       bytea,                              -- canonical JSON, published at open
    rules_hash  bytea,
    entries     bigint NOT NULL DEFAULT 0 CHECK (entries >= 0), -- kept with the entries, under the row's lock
    frozen_ms   bigint NOT NULL DEFAULT 0,          -- how much breaks moved the latest close
    signature   bytea,                              -- of the beacon's round
    opened_at   timestamptz,
    closed_at   timestamptz,
    round       bigint,
    root        bytea CHECK (length(root) = 32),
    rooted_at   timestamptz,
    drawn_at    timestamptz,
    ended_at    timestamptz,
    CHECK ((rules IS NULL) = (opened_at IS NULL)),
    CHECK ((closed_at IS NULL) = (round IS NULL)),
    CHECK ((root IS NULL) = (rooted_at IS NULL)),
    CHECK (root IS NULL OR closed_at IS NOT NULL),
    CHECK (drawn_at IS NULL OR root IS NOT NULL),
    CHECK (state NOT IN ('drawn', 'settled') OR drawn_at IS NOT NULL),
    CHECK (state <> 'void' OR (closed_at IS NOT NULL AND drawn_at IS NULL)),
    CHECK (state <> 'cancelled' OR closed_at IS NULL)
) WITH (fillfactor = 50);
CREATE UNIQUE INDEX draw_one_active ON draw (room_id) WHERE state IN ('open', 'closed');
CREATE INDEX draw_room ON draw (room_id, number);
CREATE INDEX draw_going_on ON draw (draw_id) WHERE state IN ('announced', 'open', 'closed', 'drawn');

CREATE TABLE draw_entry (
    draw_id     text NOT NULL REFERENCES draw ON DELETE CASCADE,
    entry_id    bytea NOT NULL CHECK (length(entry_id) = 16),
    weight      bigint NOT NULL CHECK (weight BETWEEN 1 AND 4294967295),
    at          timestamptz NOT NULL,
    key         text,                               -- the command's: the same again gets the same receipt
    pseudonym   text,                               -- who it is: these three go when they are erased
    viewer_id   text,
    name        text,
    PRIMARY KEY (draw_id, entry_id),
    UNIQUE (draw_id, pseudonym)
);

CREATE TABLE draw_refusal (                         -- who was not let in, and why
    room_id     text NOT NULL REFERENCES room ON DELETE CASCADE,
    draw_id     text NOT NULL,                      -- as it was asked for: maybe another room's, or none
    pseudonym   text NOT NULL,
    code        text NOT NULL,
    times       bigint NOT NULL DEFAULT 1,
    first_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (room_id, draw_id, pseudonym, code)
);

CREATE TABLE draw_reveal (
    draw_id     text NOT NULL REFERENCES draw ON DELETE CASCADE,
    party       smallint NOT NULL CHECK (party >= 1),
    secret      bytea NOT NULL CHECK (length(secret) = 32),
    at          timestamptz NOT NULL,
    PRIMARY KEY (draw_id, party)
);

CREATE TABLE draw_pick (                            -- what the seed drew: winners, then reserves
    draw_id     text NOT NULL REFERENCES draw ON DELETE CASCADE,
    place       integer NOT NULL CHECK (place >= 0),
    entry_id    bytea NOT NULL,
    prize       integer CHECK (prize >= 0),         -- null: a reserve that waits
    given_at    timestamptz,
    claim_until timestamptz,
    claimed_at  timestamptz,
    lapsed_at   timestamptz,                        -- the prize went on, or to nobody
    PRIMARY KEY (draw_id, place),
    UNIQUE (draw_id, entry_id),
    FOREIGN KEY (draw_id, entry_id) REFERENCES draw_entry,
    CHECK ((prize IS NULL) = (given_at IS NULL)),
    CHECK ((prize IS NULL) = (claim_until IS NULL)),
    CHECK (claimed_at IS NULL OR (prize IS NOT NULL AND lapsed_at IS NULL))
);
CREATE UNIQUE INDEX draw_pick_prize ON draw_pick (draw_id, prize) WHERE lapsed_at IS NULL;
CREATE INDEX draw_pick_waiting ON draw_pick (claim_until) WHERE prize IS NOT NULL AND claimed_at IS NULL AND lapsed_at IS NULL;

CREATE TABLE draw_claim (                           -- where a prize goes
    draw_id     text NOT NULL,
    place       integer NOT NULL,
    form        json NOT NULL,                      -- protocol.commands.ClaimForm
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    delete_at   timestamptz NOT NULL,
    PRIMARY KEY (draw_id, place),
    FOREIGN KEY (draw_id, place) REFERENCES draw_pick ON DELETE CASCADE
);
CREATE INDEX draw_claim_delete ON draw_claim (delete_at);

CREATE TABLE draw_template (
    shop_id     text NOT NULL REFERENCES shop ON DELETE CASCADE,
    name        text NOT NULL,
    plan        json NOT NULL,                      -- protocol.draws.DrawPlan
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (shop_id, name)
);
