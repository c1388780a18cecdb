-- Moderation, staff, freeze, rehearsals, products, purchases; and personal data in a table of its own.

ALTER TABLE shop
    ADD COLUMN rehearsal_of         text REFERENCES shop,
    ADD COLUMN time_zone            text NOT NULL DEFAULT 'UTC',
    ADD COLUMN starter_languages    text[] NOT NULL DEFAULT '{en,zh,fr,pl}',
    ADD COLUMN words_version        bigint NOT NULL DEFAULT 0,
    ADD COLUMN review_url           text,
    ADD COLUMN review_secret        text,
    ADD COLUMN review_fallback      text NOT NULL DEFAULT 'show' CHECK (review_fallback IN ('show', 'hold')),
    ADD COLUMN refund_limit         bigint NOT NULL DEFAULT 10000 CHECK (refund_limit >= 0),
    ADD COLUMN retention            json NOT NULL DEFAULT '{}';

-- A room's state as its log has it, without what only grows: decisions need one row, which they lock.
ALTER TABLE room
    ADD COLUMN state            json NOT NULL DEFAULT '{}',
    ADD COLUMN policy           json NOT NULL DEFAULT '{"chat":{}}',
    ADD COLUMN unattended       boolean NOT NULL DEFAULT false,
    ADD COLUMN staff_seen_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    ADD COLUMN frozen_at        timestamptz;
UPDATE room SET
    state = json_strip_nulls(json_build_object(
        'room', room_id,
        'title', title,
        'chat', json_build_object('comment_chars', comment_chars, 'anonymous', anonymous_comments),
        'pinned', (SELECT body FROM pin JOIN host_message USING (message_id) WHERE pin.room_id = room.room_id),
        'show', (
            SELECT json_build_object(
                       'id', show_id, 'title', title, 'state', state,
                       'starts_at', floor(extract(epoch FROM starts_at) * 1000)::bigint,
                       'live_at', floor(extract(epoch FROM live_at) * 1000)::bigint,
                       'ended_at', floor(extract(epoch FROM ended_at) * 1000)::bigint)
              FROM show WHERE show.room_id = room.room_id ORDER BY show_id DESC LIMIT 1))),
    policy = json_strip_nulls(json_build_object(
        'chat', json_build_object('comment_chars', comment_chars, 'anonymous', anonymous_comments),
        'display_per_s', display_per_s));
ALTER TABLE room DROP COLUMN title, DROP COLUMN anonymous_comments, DROP COLUMN comment_chars, DROP COLUMN display_per_s;
DROP TABLE pin;

ALTER TABLE show ADD COLUMN time_zone text NOT NULL DEFAULT 'UTC';
ALTER TABLE host_message ADD COLUMN retracted_at timestamptz;

CREATE TABLE person (
    shop_id     text NOT NULL REFERENCES shop,
    pseudonym   text NOT NULL,
    viewer_id   text,
    name        text NOT NULL,
    buyer       boolean NOT NULL DEFAULT false,
    seen_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (shop_id, pseudonym)
);
CREATE UNIQUE INDEX person_viewer ON person (shop_id, viewer_id);

INSERT INTO person (shop_id, pseudonym, viewer_id, name, seen_at)
SELECT DISTINCT ON (shop_id, pseudonym) shop_id, pseudonym, viewer_id, name, at
  FROM comment JOIN room USING (room_id) ORDER BY shop_id, pseudonym, at DESC;

ALTER TABLE comment
    DROP COLUMN viewer_id,
    DROP COLUMN name,
    ADD COLUMN hidden_at    timestamptz,
    ADD COLUMN ruled        boolean,
    ADD COLUMN held_why     text,
    ADD COLUMN reports      integer NOT NULL DEFAULT 0,
    ADD COLUMN report_open  boolean NOT NULL DEFAULT false,
    ADD COLUMN report_why   text;
CREATE INDEX comment_author ON comment (room_id, pseudonym, comment_id);
CREATE INDEX comment_held ON comment (room_id, comment_id) WHERE fate = 'held' AND ruled IS NULL;
CREATE INDEX comment_hidden ON comment (room_id, comment_id) WHERE hidden_at IS NOT NULL;
CREATE INDEX comment_reported ON comment (room_id, comment_id) WHERE report_open;

CREATE TABLE report (
    room_id     text NOT NULL,
    comment_id  text NOT NULL,
    reporter    text NOT NULL,
    why         text,
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (room_id, comment_id, reporter)
);

CREATE TABLE sanction (
    room_id     text NOT NULL REFERENCES room,
    pseudonym   text NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('mute', 'ban')),
    at          timestamptz NOT NULL,
    until       timestamptz,
    why         text,
    by_name     text NOT NULL,
    PRIMARY KEY (room_id, pseudonym, kind)
);
CREATE INDEX sanction_end ON sanction (until) WHERE until IS NOT NULL;

CREATE TABLE block (
    shop_id     text NOT NULL,
    pseudonym   text NOT NULL,
    blocked     text NOT NULL,
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (shop_id, pseudonym, blocked)
);

CREATE TABLE word (
    shop_id     text NOT NULL REFERENCES shop,
    text        text NOT NULL,
    action      text NOT NULL CHECK (action IN ('hold', 'refuse', 'allow')),
    PRIMARY KEY (shop_id, text)
);

CREATE TABLE staff (
    shop_id     text NOT NULL REFERENCES shop,
    room_id     text NOT NULL DEFAULT '',
    pseudonym   text NOT NULL,
    role        text NOT NULL CHECK (role IN ('moderator', 'host', 'operator')),
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (shop_id, room_id, pseudonym)
);

CREATE TABLE revocation (
    number      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    shop_id     text NOT NULL REFERENCES shop,
    pseudonym   text,
    kid         text,
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK ((pseudonym IS NULL) <> (kid IS NULL))
);

CREATE TABLE deadline (
    room_id     text NOT NULL REFERENCES room,
    kind        text NOT NULL,
    id          text NOT NULL,
    due_at      timestamptz NOT NULL,
    PRIMARY KEY (room_id, kind, id)
);
CREATE INDEX deadline_due ON deadline (due_at);

CREATE TABLE product (
    shop_id     text NOT NULL REFERENCES shop,
    product_id  text NOT NULL,
    body        json NOT NULL,
    position    bigint GENERATED ALWAYS AS IDENTITY,
    removed_at  timestamptz,
    PRIMARY KEY (shop_id, product_id)
);

CREATE TABLE stock (
    shop_id     text NOT NULL,
    product_id  text NOT NULL,
    variant_id  text NOT NULL DEFAULT '',
    units       bigint NOT NULL CHECK (units >= 0),
    PRIMARY KEY (shop_id, product_id, variant_id),
    FOREIGN KEY (shop_id, product_id) REFERENCES product
) WITH (fillfactor = 50);

CREATE TABLE purchase (
    shop_id     text NOT NULL REFERENCES shop,
    purchase_id text NOT NULL,
    pseudonym   text NOT NULL,
    room_id     text,
    product_id  text,
    variant_id  text,
    quantity    integer NOT NULL DEFAULT 1 CHECK (quantity > 0),
    amount      bigint NOT NULL CHECK (amount >= 0),
    refunded    bigint NOT NULL DEFAULT 0 CHECK (refunded BETWEEN 0 AND amount),
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
    body        json NOT NULL,
    state       text NOT NULL CHECK (state IN ('asked', 'confirmed', 'refused')),
    asker       text NOT NULL,
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    FOREIGN KEY (shop_id, purchase_id) REFERENCES purchase
);
CREATE INDEX refund_room ON refund (room_id, refund_id) WHERE state = 'asked';

-- Notices are to a pseudonym; whom no comment names any more never comes back for them.
ALTER TABLE notice RENAME COLUMN viewer_id TO pseudonym;
ALTER TABLE notice_seen RENAME COLUMN viewer_id TO pseudonym;
ALTER INDEX notice_viewer RENAME TO notice_pseudonym;
UPDATE notice n SET pseudonym = coalesce((
    SELECT p.pseudonym FROM person p JOIN room r USING (shop_id)
     WHERE r.room_id = n.room_id AND p.viewer_id = n.pseudonym), '');
DELETE FROM notice_seen s WHERE NOT EXISTS (
    SELECT FROM person p JOIN room r USING (shop_id) WHERE r.room_id = s.room_id AND p.viewer_id = s.pseudonym);
UPDATE notice_seen s SET pseudonym = (
    SELECT p.pseudonym FROM person p JOIN room r USING (shop_id)
     WHERE r.room_id = s.room_id AND p.viewer_id = s.pseudonym);
-- Its actors held viewer ids.
TRUNCATE idempotency;
