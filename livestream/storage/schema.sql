-- The whole schema, as it is after every migration. A test compares the two.
-- Lock order within a transaction: show → host_message → comment → room_head last.

CREATE TABLE epoch (
    value       text NOT NULL,                      -- part of what clients compare; `livestream migrate --new-epoch`
    only_row    boolean PRIMARY KEY DEFAULT true CHECK (only_row)
);

CREATE SEQUENCE process_number;                     -- makes ids of two processes differ

CREATE TABLE shop (
    shop_id     text PRIMARY KEY,
    name        text NOT NULL,
    demo        boolean NOT NULL DEFAULT false,     -- made by `serve` on a laptop; refused in production
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp()
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
    room_id             text PRIMARY KEY,
    shop_id             text NOT NULL REFERENCES shop,
    title               text NOT NULL,
    anonymous_comments  boolean NOT NULL DEFAULT false,
    comment_chars       integer NOT NULL DEFAULT 200 CHECK (comment_chars BETWEEN 1 AND 500),
    display_per_s       double precision CHECK (display_per_s > 0),     -- null: the deployment's setting
    created_at          timestamptz NOT NULL DEFAULT clock_timestamp()
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
    likes       bigint NOT NULL DEFAULT 0 CHECK (likes >= 0)
);
CREATE UNIQUE INDEX show_one_open ON show (room_id) WHERE state <> 'ended';
CREATE INDEX show_room ON show (room_id, show_id);

CREATE TABLE host_message (
    message_id  text PRIMARY KEY,                   -- sorts by time
    room_id     text NOT NULL REFERENCES room,
    body        json NOT NULL                       -- protocol.events.HostMessage
);
CREATE INDEX host_message_room ON host_message (room_id, message_id);

CREATE TABLE pin (
    room_id     text PRIMARY KEY REFERENCES room,
    message_id  text NOT NULL REFERENCES host_message
);

CREATE TABLE comment (
    room_id     text NOT NULL,
    comment_id  text NOT NULL,                      -- sorts by time
    show_id     text NOT NULL,
    viewer_id   text,                               -- null: anonymous
    pseudonym   text NOT NULL,
    name        text NOT NULL,
    role        text NOT NULL,
    text        text NOT NULL,
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    fate        text NOT NULL CHECK (fate IN (
                    'shown',                        -- on every screen
                    'sampled_out',                  -- a flood kept it off other screens; counted in left_out
                    'collapsed',                    -- the same words again
                    'held')),                       -- waits for staff
    PRIMARY KEY (room_id, comment_id)
);

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
    viewer_id   text NOT NULL,
    at          timestamptz NOT NULL,
    event       json NOT NULL,                      -- protocol.events.NoticeEvent
    PRIMARY KEY (room_id, seq)
);
CREATE INDEX notice_viewer ON notice (room_id, viewer_id, seq);

CREATE TABLE notice_seen (
    room_id     text NOT NULL,
    viewer_id   text NOT NULL,
    seq         bigint NOT NULL,
    PRIMARY KEY (room_id, viewer_id)
);

CREATE TABLE idempotency (                          -- kept 24 h
    shop_id     text NOT NULL,
    actor       text NOT NULL,
    command     text NOT NULL,
    key         text NOT NULL,
    body_hash   bytea NOT NULL,
    answer      json,                               -- null only inside the transaction that makes it
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (shop_id, actor, command, key)
);
CREATE INDEX idempotency_age ON idempotency (created_at);

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
