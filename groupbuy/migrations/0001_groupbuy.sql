-- Group buy: deals, teams, seats, orders, payments and the ledger. Every rule of money and stock has a constraint.
CREATE TABLE deal (
    deal_id         text PRIMARY KEY,
    room_id         text NOT NULL REFERENCES room ON DELETE CASCADE,
    shop_id         text NOT NULL,
    product_id      text NOT NULL,
    variant_id      text,
    title           text NOT NULL,
    state           text NOT NULL CHECK (state IN (
                        'open',         -- pause -> paused, close -> closed, void -> voided
                        'paused',       -- resume -> open
                        'closed',       -- void -> voided
                        'voided')),
    currency        text NOT NULL,
    exponent        smallint NOT NULL CHECK (exponent BETWEEN 0 AND 4),
    tax_included    boolean NOT NULL,
    single_price    bigint NOT NULL CHECK (single_price > 0),
    units           bigint NOT NULL CHECK (units > 0),      -- of the product in one seat
    stock           bigint NOT NULL CHECK (stock > 0),      -- units at the start
    version         integer NOT NULL,                       -- of the rules for new teams
    sold_out        boolean NOT NULL DEFAULT false,         -- as the room was told
    why             text,
    opened_at       timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX deal_room ON deal (room_id, deal_id);

CREATE TABLE deal_terms (
    deal_id         text NOT NULL REFERENCES deal ON DELETE CASCADE,
    version         integer NOT NULL,
    steps           json NOT NULL,
    leader_discount bigint NOT NULL CHECK (leader_discount >= 0),
    life_s          integer NOT NULL,
    hold_s          integer NOT NULL,
    per_viewer      integer NOT NULL CHECK (per_viewer > 0),
    new_only        boolean NOT NULL,
    share           integer NOT NULL CHECK (share BETWEEN 1 AND 100),
    PRIMARY KEY (deal_id, version)
);

-- The hot row: one write for a team, not for a seat.
CREATE TABLE deal_stock (
    deal_id         text PRIMARY KEY REFERENCES deal ON DELETE CASCADE,
    initial         bigint NOT NULL,
    sold            bigint NOT NULL DEFAULT 0 CHECK (sold >= 0),
    held            bigint NOT NULL DEFAULT 0 CHECK (held >= 0),
    free            bigint NOT NULL CHECK (free >= 0),
    most_held       bigint NOT NULL,
    CHECK (sold + held + free = initial),
    CHECK (held <= most_held)
) WITH (fillfactor = 50);

CREATE TABLE team (
    team_id         text PRIMARY KEY,
    deal_id         text NOT NULL REFERENCES deal ON DELETE CASCADE,
    version         integer NOT NULL,
    state           text NOT NULL CHECK (state IN (
                        'forming',      -- full -> complete; deadline -> settling, complete or expired
                        'settling',     -- <= 30 s -> complete or expired
                        'complete',     -- void -> voided
                        'expired',
                        'voided')),
    size            smallint NOT NULL CHECK (size BETWEEN 2 AND 10),
    least           smallint NOT NULL CHECK (least BETWEEN 2 AND size),
    held            smallint NOT NULL CHECK (held >= 0),
    paid            smallint NOT NULL CHECK (paid >= 0),
    waived          smallint NOT NULL DEFAULT 0 CHECK (waived >= 0),
    leader          text NOT NULL,
    invite          text NOT NULL UNIQUE,
    listed          boolean NOT NULL,
    reached         smallint CHECK (reached BETWEEN least AND size),
    why             text,
    opened_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at        timestamptz,
    deadline_was    timestamptz,                            -- once it ended; before, `deadline` has it
    CHECK (held + paid + waived <= size),
    CHECK (state <> 'complete' OR (reached = paid + waived AND paid >= 1 AND held = 0)),
    CHECK (state NOT IN ('expired', 'voided') OR (held = 0 AND paid = 0))
) WITH (fillfactor = 70);
CREATE INDEX team_going ON team (deal_id, team_id) WHERE state IN ('forming', 'settling');
CREATE INDEX team_deal ON team (deal_id, team_id);

CREATE TABLE seat (
    seat_id         text PRIMARY KEY,
    team_id         text NOT NULL,
    deal_id         text NOT NULL REFERENCES deal ON DELETE CASCADE,
    viewer          text NOT NULL,
    name            text NOT NULL DEFAULT '',
    number          smallint NOT NULL,
    state           text NOT NULL CHECK (state IN (
                        'held',         -- payment begins -> paying
                        'paying',       -- money there -> paid
                        'paid',         -- team complete -> confirmed
                        'confirmed',    -- deal voided -> released
                        'released')),
    hold_ms         bigint NOT NULL CHECK (hold_ms >= 0),   -- the hold ends so long before the team's deadline
    hold_at         timestamptz NOT NULL,                   -- not before then; a freeze makes it later
    why             text,
    joined_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (team_id, number)
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX seat_one_live ON seat (deal_id, viewer) WHERE state IN ('held', 'paying', 'paid');
CREATE INDEX seat_viewer ON seat (viewer, deal_id);
CREATE INDEX seat_hold ON seat (hold_at) WHERE state IN ('held', 'paying');

CREATE TABLE team_order (
    seat_id         text PRIMARY KEY REFERENCES seat ON DELETE CASCADE,
    team_id         text NOT NULL,
    deal_id         text NOT NULL,
    viewer          text NOT NULL,
    quantity        bigint NOT NULL CHECK (quantity > 0),
    state           text NOT NULL CHECK (state IN (
                        'placed', 'confirming', 'confirmed', 'unpaid', 'lapsed', 'returning', 'returned')),
    price           bigint CHECK (price > 0),
    repay_until     timestamptz,
    placed_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK (state NOT IN ('confirming', 'confirmed', 'unpaid', 'lapsed') OR price IS NOT NULL),
    CHECK ((state = 'unpaid') <= (repay_until IS NOT NULL))
);
CREATE INDEX team_order_deal ON team_order (deal_id, seat_id);
CREATE INDEX team_order_unpaid ON team_order (repay_until) WHERE state = 'unpaid';

CREATE TABLE payment (
    payment_id      text PRIMARY KEY,
    seat_id         text NOT NULL REFERENCES seat ON DELETE CASCADE,
    deal_id         text NOT NULL,
    amount          bigint NOT NULL CHECK (amount > 0),
    currency        text NOT NULL,
    exponent        smallint NOT NULL,
    way             text NOT NULL CHECK (way IN ('authorise', 'capture')),
    wanted          boolean NOT NULL DEFAULT true,          -- false: what came of it must go back
    state           text NOT NULL CHECK (state IN (
                        'opening', 'opened', 'refused', 'expired', 'authorised', 'captured', 'voided', 'refunded')),
    reference       text,
    url             text,
    url_until       timestamptz,
    expires_in_s    integer NOT NULL,
    description     text NOT NULL,
    authorised      bigint NOT NULL DEFAULT 0 CHECK (authorised >= 0),
    captured        bigint NOT NULL DEFAULT 0 CHECK (captured >= 0),
    refunded        bigint NOT NULL DEFAULT 0 CHECK (refunded BETWEEN 0 AND captured),
    moves           integer NOT NULL DEFAULT 0,
    ask_at          timestamptz NOT NULL DEFAULT clock_timestamp(),     -- the provider is asked then, if still open
    made_at         timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE UNIQUE INDEX payment_one_wanted ON payment (seat_id) WHERE wanted;
CREATE INDEX payment_seat ON payment (seat_id);
CREATE INDEX payment_ask ON payment (ask_at) WHERE wanted AND state IN ('opening', 'opened');

-- The outbox: what the provider is to do. The key it is told is op_id, so that a repeat has no second effect.
CREATE TABLE payment_op (
    op_id           text PRIMARY KEY,
    payment_id      text NOT NULL REFERENCES payment ON DELETE CASCADE,
    deal_id         text NOT NULL,
    kind            text NOT NULL CHECK (kind IN (
                        'capture',      -- take `amount` of what is held, the rest is released
                        'difference',   -- give `amount` back: a higher step was reached
                        'undo')),       -- give back whatever is held or taken
    amount          bigint NOT NULL CHECK (amount >= 0),
    state           text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'done', 'declined')),
    attempts        integer NOT NULL DEFAULT 0,
    next_at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    lease           text,
    error           text,
    made_at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    done_at         timestamptz,
    UNIQUE (payment_id, kind)
);
CREATE INDEX payment_op_due ON payment_op (next_at) WHERE state = 'pending';

CREATE TABLE payment_event (
    event_id        text PRIMARY KEY,
    payment_id      text NOT NULL,
    at              timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Double entry in one row: what the buyer gave (negative), what the provider holds, what is taken.
CREATE TABLE ledger (
    payment_id      text NOT NULL REFERENCES payment ON DELETE CASCADE,
    number          integer NOT NULL,
    buyer           bigint NOT NULL,
    held            bigint NOT NULL,
    cash            bigint NOT NULL,
    at              timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (payment_id, number),
    CHECK (buyer + held + cash = 0)
);
