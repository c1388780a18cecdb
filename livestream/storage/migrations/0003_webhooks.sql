-- Outgoing webhooks: endpoints, messages, deliveries. What each column means: schema.sql.
CREATE TABLE webhook_endpoint (
    endpoint_id     text PRIMARY KEY,
    shop_id         text NOT NULL REFERENCES shop,
    url             text NOT NULL,
    events          text[],
    secret          text NOT NULL,
    old_secret      text,
    old_secret_until timestamptz,
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    quiet_until     timestamptz,
    failing_since   timestamptz,
    disabled_at     timestamptz,
    disabled_reason text CHECK (disabled_reason IN (
                        'gone',
                        'failing',
                        'by_hand')),
    CHECK ((disabled_at IS NULL) = (disabled_reason IS NULL)),
    CHECK ((old_secret IS NULL) = (old_secret_until IS NULL))
);
CREATE INDEX webhook_endpoint_shop ON webhook_endpoint (shop_id);

CREATE TABLE webhook_message (
    message_id      text PRIMARY KEY,
    shop_id         text NOT NULL,
    type            text NOT NULL,
    at              timestamptz NOT NULL,
    body            json NOT NULL
);
CREATE INDEX webhook_message_age ON webhook_message (at);

CREATE TABLE webhook_delivery (
    delivery_id     text PRIMARY KEY,
    message_id      text NOT NULL REFERENCES webhook_message ON DELETE CASCADE,
    endpoint_id     text NOT NULL,
    shop_id         text NOT NULL,
    state           text NOT NULL DEFAULT 'pending' CHECK (state IN (
                        'pending',
                        'delivered',
                        'failed')),
    attempts        integer NOT NULL DEFAULT 0,
    next_at         timestamptz NOT NULL,
    lease           text,
    attempted_at    timestamptz,
    status          smallint,
    error           text,
    duration_ms     integer,
    response        text,
    UNIQUE (message_id, endpoint_id)
);
CREATE INDEX webhook_delivery_due ON webhook_delivery (endpoint_id, next_at, message_id) WHERE state = 'pending';
CREATE INDEX webhook_delivery_endpoint ON webhook_delivery (endpoint_id, delivery_id);
CREATE INDEX webhook_delivery_shop ON webhook_delivery (shop_id, delivery_id);
