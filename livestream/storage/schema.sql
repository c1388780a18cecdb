-- The whole schema, as it is after every migration. A test compares the two.
-- Lock order within a transaction: idempotency → room → show → host_message → comment → person → sanction → deadline →
-- purchase → refund → room_head last.

CREATE TABLE epoch (
    value       text NOT NULL,                      -- part of what clients compare; `livestream migrate --new-epoch`
    only_row    boolean PRIMARY KEY DEFAULT true CHECK (only_row)
);

CREATE TABLE pseudonym_key (                        -- never changes: people keep their pseudonyms for good
    key         bytea,                              -- null: from before this table; the next start puts the secret here
    only_row    boolean PRIMARY KEY DEFAULT true CHECK (only_row)
);

CREATE SEQUENCE process_number;                     -- makes ids of two processes differ

CREATE TABLE shop (
    shop_id     text PRIMARY KEY,
    name        text NOT NULL,
    demo        boolean NOT NULL DEFAULT false,     -- made by `serve` on a laptop; refused in production
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    rehearsal_of            text REFERENCES shop,   -- a shop for one rehearsal: its stock, money and people are not for real
    time_zone               text NOT NULL DEFAULT 'UTC',
    starter_languages       text[] NOT NULL DEFAULT '{en,zh,fr,pl}',    -- word lists of ours that are in force
    words_version           bigint NOT NULL DEFAULT 0,
    review_url              text,                   -- asked about each comment; null: nobody is
    review_secret           text,
    review_fallback         text NOT NULL DEFAULT 'show' CHECK (review_fallback IN ('show', 'hold')),
    refund_limit            bigint NOT NULL DEFAULT 10000 CHECK (refund_limit >= 0),    -- above it two people decide
    retention               json NOT NULL DEFAULT '{}'                  -- days by kind of data; what is left out: ours
);

CREATE TABLE shop_key (                             -- verifies the tokens that a shop signs
    kid         text PRIMARY KEY,
    shop_id     text NOT NULL REFERENCES shop,
    algorithm   text NOT NULL CHECK (algorithm IN ('HS256', 'EdDSA')),
    key         text NOT NULL,                      -- HS256: the secret; EdDSA: the public key, PEM
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    retired_at  timestamptz                         -- tokens under it are refused from here on
);
CREATE INDEX shop_key_shop ON shop_key (shop_id);

CREATE TABLE room (
    room_id         text PRIMARY KEY,
    shop_id         text NOT NULL REFERENCES shop,
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    state           json NOT NULL DEFAULT '{}',     -- protocol.state.RoomState as its log has it, without messages and seq
    policy          json NOT NULL DEFAULT '{"chat":{}}',                -- protocol.events.Policy
    unattended      boolean NOT NULL DEFAULT false, -- nobody of the staff is here: stricter rules hold
    staff_seen_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    frozen_at       timestamptz                     -- its deadlines stand still since then
);

CREATE TABLE show (
    show_id     text PRIMARY KEY,
    room_id     text NOT NULL REFERENCES room,
    title       text NOT NULL,
    state       text NOT NULL CHECK (state IN (
                    'scheduled',                    -- → warm_up, live, ended
                    'warm_up',                      -- → live, ended
                    'live',                         -- → paused, ended
                    'paused',                       -- → live, ended
                    'ended')),                      -- for good
    starts_at   timestamptz NOT NULL,
    live_at     timestamptz,
    ended_at    timestamptz,
    likes       bigint NOT NULL DEFAULT 0 CHECK (likes >= 0),
    time_zone   text NOT NULL DEFAULT 'UTC',
    began_at    timestamptz                         -- it left `scheduled`: since then viewers can talk and buy in it
);
CREATE UNIQUE INDEX show_one_open ON show (room_id) WHERE state <> 'ended';
CREATE INDEX show_room ON show (room_id, show_id);

CREATE TABLE host_message (
    message_id  text PRIMARY KEY,                   -- sorts by time
    room_id     text NOT NULL REFERENCES room,
    body        json NOT NULL,                      -- protocol.events.HostMessage, whole
    retracted_at timestamptz
);
CREATE INDEX host_message_room ON host_message (room_id, message_id);

CREATE TABLE person (                               -- the one table that says who somebody is
    shop_id     text NOT NULL REFERENCES shop,
    pseudonym   text NOT NULL,                      -- by which every other table knows them
    viewer_id   text,                               -- the shop's; null: anonymous, one visit
    name        text NOT NULL,                      -- display name, the latest
    buyer       boolean NOT NULL DEFAULT false,
    seen_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (shop_id, pseudonym)
);
CREATE UNIQUE INDEX person_viewer ON person (shop_id, viewer_id);

CREATE TABLE comment (
    room_id     text NOT NULL,
    comment_id  text NOT NULL,                      -- sorts by time
    show_id     text NOT NULL,
    pseudonym   text NOT NULL,
    role        text NOT NULL,
    text        text NOT NULL,
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    fate        text NOT NULL CHECK (fate IN (
                    'shown',                        -- on every screen; ⇄ held by reports
                    'sampled_out',                  -- a flood kept it off other screens; counted in left_out
                    'collapsed',                    -- the same words again
                    'held')),                       -- waits for staff, or was turned down; → shown
    hidden_at   timestamptz,                        -- since when no screen has it: deleted, or held
    ruled       boolean,                            -- of a held one: what staff decided; null: it waits
    held_why    text,
    reports     integer NOT NULL DEFAULT 0,
    report_open boolean NOT NULL DEFAULT false,     -- staff have not decided on the reports
    report_why  text,                               -- the latest
    PRIMARY KEY (room_id, comment_id)
);
CREATE INDEX comment_author ON comment (room_id, pseudonym, comment_id);
CREATE INDEX comment_held ON comment (room_id, comment_id) WHERE fate = 'held' AND ruled IS NULL;
CREATE INDEX comment_hidden ON comment (room_id, comment_id) WHERE hidden_at IS NOT NULL;
CREATE INDEX comment_reported ON comment (room_id, comment_id) WHERE report_open;

CREATE TABLE report (                               -- one a viewer and comment
    room_id     text NOT NULL,
    comment_id  text NOT NULL,
    reporter    text NOT NULL,                      -- pseudonym
    why         text,
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (room_id, comment_id, reporter)
);

CREATE TABLE sanction (                             -- in force until it is lifted, by staff or at its end by the worker
    room_id     text NOT NULL REFERENCES room,
    pseudonym   text NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('mute', 'ban')),
    at          timestamptz NOT NULL,
    until       timestamptz,                        -- null: for ever
    why         text,
    by_name     text NOT NULL,
    by_who      text NOT NULL DEFAULT '',           -- pseudonym
    PRIMARY KEY (room_id, pseudonym, kind)
);
CREATE INDEX sanction_end ON sanction (until) WHERE until IS NOT NULL;

CREATE TABLE block (                                -- whom a viewer does not want to see
    shop_id     text NOT NULL,
    pseudonym   text NOT NULL,
    blocked     text NOT NULL,                      -- pseudonym
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (shop_id, pseudonym, blocked)
);

CREATE TABLE word (                                 -- a shop's own, beside the starter lists
    shop_id     text NOT NULL REFERENCES shop,
    text        text NOT NULL,
    action      text NOT NULL CHECK (action IN ('hold', 'refuse', 'allow')),   -- allow: takes a starter word out
    PRIMARY KEY (shop_id, text)
);

CREATE TABLE staff (
    shop_id     text NOT NULL REFERENCES shop,
    room_id     text NOT NULL DEFAULT '',           -- '': every room of the shop
    pseudonym   text NOT NULL,
    role        text NOT NULL CHECK (role IN ('moderator', 'host', 'operator')),
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),     -- was here last
    came_by     text NOT NULL DEFAULT 'shop' CHECK (came_by IN (
                    'shop',                         -- it named them; stays until it takes them off
                    'token',                        -- → shop; forgotten with people who were not seen
                    'invitation')),                 -- for one show; forgotten when its link cannot hold any more
    PRIMARY KEY (shop_id, room_id, pseudonym)
);

CREATE TABLE revocation (                           -- tokens issued before `at` are refused
    number      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    shop_id     text NOT NULL REFERENCES shop,
    mark        text,                               -- all of one person's: a hash of the pseudonym
    kid         text,                               -- all under one key
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK ((mark IS NULL) <> (kid IS NULL))
);

CREATE TABLE deadline (                             -- what closes by the clock; a freeze stops those of its room
    room_id     text NOT NULL REFERENCES room,
    kind        text NOT NULL,                      -- 'countdown', and those that siblings bring
    id          text NOT NULL,
    due_at      timestamptz NOT NULL,
    PRIMARY KEY (room_id, kind, id)
);
CREATE INDEX deadline_due ON deadline (due_at);

CREATE TABLE product (
    shop_id     text NOT NULL REFERENCES shop,
    product_id  text NOT NULL,                      -- the shop's own number
    body        json NOT NULL,                      -- protocol.events.Product, without stock
    position    bigint GENERATED ALWAYS AS IDENTITY,
    removed_at  timestamptz,
    PRIMARY KEY (shop_id, product_id)
);

CREATE TABLE stock (                                -- of products that count units
    shop_id     text NOT NULL,
    product_id  text NOT NULL,
    variant_id  text NOT NULL DEFAULT '',
    units       bigint NOT NULL CHECK (units >= 0),
    PRIMARY KEY (shop_id, product_id, variant_id),
    FOREIGN KEY (shop_id, product_id) REFERENCES product
) WITH (fillfactor = 50);

CREATE TABLE purchase (                             -- reported by the shop's backend
    shop_id     text NOT NULL REFERENCES shop,
    purchase_id text NOT NULL,                      -- the shop's own number
    pseudonym   text NOT NULL,
    room_id     text,
    product_id  text,
    variant_id  text,
    quantity    integer NOT NULL DEFAULT 1 CHECK (quantity > 0),
    amount      bigint NOT NULL CHECK (amount >= 0),
    refunded    bigint NOT NULL DEFAULT 0 CHECK (refunded BETWEEN 0 AND amount),    -- asked for counts
    currency    text NOT NULL,
    exponent    smallint NOT NULL CHECK (exponent BETWEEN 0 AND 4),
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (shop_id, purchase_id)
);
CREATE INDEX purchase_buyer ON purchase (shop_id, pseudonym);

CREATE TABLE refund (
    refund_id   text PRIMARY KEY,
    shop_id     text NOT NULL,
    room_id     text NOT NULL REFERENCES room,
    purchase_id text NOT NULL,
    body        json NOT NULL,                      -- protocol.events.RefundRequest
    state       text NOT NULL CHECK (state IN (
                    'asked',                        -- → confirmed, refused, by another operator
                    'confirmed',                    -- the shop's backend is told
                    'refused')),
    asker       text NOT NULL,                      -- pseudonym
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    FOREIGN KEY (shop_id, purchase_id) REFERENCES purchase
);
CREATE INDEX refund_room ON refund (room_id, refund_id) WHERE state = 'asked';

-- The room log: `seq` is gap-free a room and its order is commit order.
CREATE TABLE room_head (
    room_id     text PRIMARY KEY REFERENCES room,
    seq         bigint NOT NULL DEFAULT 0,
    staff_seq   bigint NOT NULL DEFAULT 0,
    notice_seq  bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);                           -- room for in-page updates of a hot row

CREATE TABLE room_log (
    room_id     text NOT NULL,
    seq         bigint NOT NULL,
    at          timestamptz NOT NULL,
    event       json NOT NULL,                      -- protocol.events.LogEvent, as it goes out
    PRIMARY KEY (room_id, seq)
);

CREATE TABLE staff_log (
    room_id     text NOT NULL,
    seq         bigint NOT NULL,
    at          timestamptz NOT NULL,
    event       json NOT NULL,                      -- protocol.events.StaffEvent
    PRIMARY KEY (room_id, seq)
);

CREATE TABLE notice (                               -- to one viewer; the bus only hurries it
    room_id     text NOT NULL,
    seq         bigint NOT NULL,
    pseudonym   text NOT NULL,
    at          timestamptz NOT NULL,
    event       json NOT NULL,                      -- protocol.events.NoticeEvent
    PRIMARY KEY (room_id, seq)
);
CREATE INDEX notice_pseudonym ON notice (room_id, pseudonym, seq);

CREATE TABLE notice_seen (
    room_id     text NOT NULL,
    pseudonym   text NOT NULL,
    seq         bigint NOT NULL,
    PRIMARY KEY (room_id, pseudonym)
);

CREATE TABLE idempotency (                          -- kept 24 h
    shop_id     text NOT NULL,
    actor       text NOT NULL,                      -- pseudonym
    command     text NOT NULL,
    key         text NOT NULL,
    body_hash   bytea NOT NULL,
    answer      json,                               -- null only inside the transaction that makes it
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (shop_id, actor, command, key)
) WITH (fillfactor = 15);                           -- the answer, larger than the key, comes a moment later
CREATE INDEX idempotency_age ON idempotency USING brin (created_at);

-- Outgoing webhooks. The message is inserted by the transaction that caused it; the worker delivers it.
CREATE TABLE webhook_endpoint (
    endpoint_id     text PRIMARY KEY,               -- end_…
    shop_id         text NOT NULL REFERENCES shop,
    url             text NOT NULL,
    events          text[],                         -- types it wants; null: all
    secret          text NOT NULL,                  -- whsec_…
    old_secret      text,                           -- signs too until …
    old_secret_until timestamptz,
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    quiet_until     timestamptz,                    -- it asked with Retry-After to be left alone
    failing_since   timestamptz,                    -- first failure after the last success
    disabled_at     timestamptz,
    disabled_reason text CHECK (disabled_reason IN (
                        'gone',                     -- it answered 410
                        'failing',                  -- nothing but failures for days
                        'by_hand')),
    CHECK ((disabled_at IS NULL) = (disabled_reason IS NULL)),
    CHECK ((old_secret IS NULL) = (old_secret_until IS NULL))
);
CREATE INDEX webhook_endpoint_shop ON webhook_endpoint (shop_id);

CREATE TABLE webhook_message (
    message_id      text PRIMARY KEY,               -- msg_…, sorts by time; the receiver's idempotency key
    shop_id         text NOT NULL,
    type            text NOT NULL,
    at              timestamptz NOT NULL,
    body            json NOT NULL                   -- type, timestamp, data; these very bytes are signed and sent
);
CREATE INDEX webhook_message_age ON webhook_message (at);

CREATE TABLE webhook_delivery (                     -- of one message to one endpoint
    delivery_id     text PRIMARY KEY,               -- dlv_…, sorts by time
    message_id      text NOT NULL REFERENCES webhook_message ON DELETE CASCADE,
    endpoint_id     text NOT NULL,                  -- no reference: a removal must not hold up who emits
    shop_id         text NOT NULL,
    state           text NOT NULL DEFAULT 'pending' CHECK (state IN (
                        'pending',                  -- → delivered, failed
                        'delivered',                -- answered 2xx; → pending by replay
                        'failed')),                 -- tries used up, or endpoint disabled; → pending by replay
    attempts        integer NOT NULL DEFAULT 0,     -- since it was made, or replayed
    next_at         timestamptz NOT NULL,           -- when it is due; under a lease: when that ends
    lease           text,                           -- whoever claimed it; nobody else sends before next_at
    attempted_at    timestamptz,                    -- the last attempt, and what came of it:
    status          smallint,                       -- null: no answer
    error           text,
    duration_ms     integer,
    response        text,                           -- its first 500 characters
    UNIQUE (message_id, endpoint_id)
);
CREATE INDEX webhook_delivery_due ON webhook_delivery (endpoint_id, next_at, message_id) WHERE state = 'pending';
CREATE INDEX webhook_delivery_endpoint ON webhook_delivery (endpoint_id, delivery_id);
CREATE INDEX webhook_delivery_shop ON webhook_delivery (shop_id, delivery_id);

-- What quotes a comment or a host message is found by its id, not by reading a room's whole log.
CREATE FUNCTION quoted(event json) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE event->>'t'
        WHEN 'restored' THEN ARRAY(SELECT each->>'id' FROM json_array_elements(event->'comments') AS c (each))
        ELSE array_remove(ARRAY[event->'message'->>'id', event->'message'->>'answers'], NULL)
    END
$$;
CREATE INDEX room_log_quoted ON room_log USING gin (quoted(event))
    WHERE event->>'t' IN ('said', 'pinned', 'unretracted', 'restored');
CREATE INDEX notice_quoted ON notice USING gin (quoted(event)) WHERE event->>'t' = 'answered';
CREATE FUNCTION tells_of(event json) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE event->>'t'
        WHEN 'held' THEN ARRAY(SELECT each->>'id' FROM json_array_elements(event->'comments') AS c (each))
        ELSE ARRAY[event->'comment'->>'id']
    END
$$;
CREATE INDEX staff_log_tells_of ON staff_log USING gin (tells_of(event)) WHERE event->>'t' IN ('held', 'reported');
CREATE INDEX host_message_answers ON host_message ((body->>'answers')) WHERE body->>'answers' IS NOT NULL;
CREATE INDEX comment_shown ON comment (room_id, comment_id) WHERE fate = 'shown' AND hidden_at IS NULL;
CREATE INDEX notice_age ON notice (room_id, at);
CREATE INDEX staff_log_age ON staff_log (room_id, at);
CREATE INDEX person_age ON person (shop_id, seen_at);
