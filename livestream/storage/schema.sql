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
