-- The ground: shops, rooms, shows, the two logs, notices, comments, idempotency.
CREATE TABLE epoch (
    value       text NOT NULL,
    only_row    boolean PRIMARY KEY DEFAULT true CHECK (only_row)
);

CREATE SEQUENCE process_number;

CREATE TABLE shop (
    shop_id     text PRIMARY KEY,
    name        text NOT NULL,
    demo        boolean NOT NULL DEFAULT false,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE shop_key (
    kid         text PRIMARY KEY,
    shop_id     text NOT NULL REFERENCES shop,
    algorithm   text NOT NULL CHECK (algorithm IN ('HS256', 'EdDSA')),
    key         text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    retired_at  timestamptz
);
CREATE INDEX shop_key_shop ON shop_key (shop_id);

CREATE TABLE room (
    room_id             text PRIMARY KEY,
    shop_id             text NOT NULL REFERENCES shop,
    title               text NOT NULL,
    anonymous_comments  boolean NOT NULL DEFAULT false,
    comment_chars       integer NOT NULL DEFAULT 200 CHECK (comment_chars BETWEEN 1 AND 500),
    display_per_s       double precision CHECK (display_per_s > 0),
    created_at          timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE show (
    show_id     text PRIMARY KEY,
    room_id     text NOT NULL REFERENCES room,
    title       text NOT NULL,
    state       text NOT NULL CHECK (state IN (
                    'scheduled',
                    'warm_up',
                    'live',
                    'paused',
                    'ended')),
    starts_at   timestamptz NOT NULL,
    live_at     timestamptz,
    ended_at    timestamptz,
    likes       bigint NOT NULL DEFAULT 0 CHECK (likes >= 0)
);
CREATE UNIQUE INDEX show_one_open ON show (room_id) WHERE state <> 'ended';
CREATE INDEX show_room ON show (room_id, show_id);

CREATE TABLE host_message (
    message_id  text PRIMARY KEY,
    room_id     text NOT NULL REFERENCES room,
    body        json NOT NULL
);
CREATE INDEX host_message_room ON host_message (room_id, message_id);

CREATE TABLE pin (
    room_id     text PRIMARY KEY REFERENCES room,
    message_id  text NOT NULL REFERENCES host_message
);

CREATE TABLE comment (
    room_id     text NOT NULL,
    comment_id  text NOT NULL,
    show_id     text NOT NULL,
    viewer_id   text,
    pseudonym   text NOT NULL,
    name        text NOT NULL,
    role        text NOT NULL,
    text        text NOT NULL,
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    fate        text NOT NULL CHECK (fate IN (
                    'shown',
                    'sampled_out',
                    'collapsed',
                    'held')),
    PRIMARY KEY (room_id, comment_id)
);

-- The room log: `seq` is gap-free a room and its order is commit order.
CREATE TABLE room_head (
    room_id     text PRIMARY KEY REFERENCES room,
    seq         bigint NOT NULL DEFAULT 0,
    staff_seq   bigint NOT NULL DEFAULT 0,
    notice_seq  bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

CREATE TABLE room_log (
    room_id     text NOT NULL,
    seq         bigint NOT NULL,
    at          timestamptz NOT NULL,
    event       json NOT NULL,
    PRIMARY KEY (room_id, seq)
);

CREATE TABLE staff_log (
    room_id     text NOT NULL,
    seq         bigint NOT NULL,
    at          timestamptz NOT NULL,
    event       json NOT NULL,
    PRIMARY KEY (room_id, seq)
);

CREATE TABLE notice (
    room_id     text NOT NULL,
    seq         bigint NOT NULL,
    viewer_id   text NOT NULL,
    at          timestamptz NOT NULL,
    event       json NOT NULL,
    PRIMARY KEY (room_id, seq)
);
CREATE INDEX notice_viewer ON notice (room_id, viewer_id, seq);

CREATE TABLE notice_seen (
    room_id     text NOT NULL,
    viewer_id   text NOT NULL,
    seq         bigint NOT NULL,
    PRIMARY KEY (room_id, viewer_id)
);

CREATE TABLE idempotency (
    shop_id     text NOT NULL,
    actor       text NOT NULL,
    command     text NOT NULL,
    key         text NOT NULL,
    body_hash   bytea NOT NULL,
    answer      json,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (shop_id, actor, command, key)
);
CREATE INDEX idempotency_age ON idempotency (created_at);
INSERT INTO epoch (value) VALUES (gen_random_uuid()::text);
