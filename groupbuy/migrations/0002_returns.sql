-- Returns of orders, the shop's own numbers, and a clock of unpaid orders that a freeze stops like every other.
ALTER TABLE deal ADD COLUMN reference text;                                     -- the shop's own number of it
ALTER TABLE payment ADD COLUMN order_reference text;                            -- and of the order that comes of it
ALTER TABLE team_order
    ADD COLUMN reference text,
    ADD COLUMN given_back bigint NOT NULL DEFAULT 0 CHECK (given_back >= 0),    -- of the price, after it was confirmed
    ADD CHECK (given_back <= price);

INSERT INTO deadline (room_id, kind, id, due_at)
SELECT room_id, 'repay', seat_id, repay_until FROM team_order JOIN deal USING (deal_id) WHERE team_order.state = 'unpaid';
ALTER TABLE team_order DROP COLUMN repay_until;

ALTER TABLE payment_op
    DROP COLUMN lease,
    DROP CONSTRAINT payment_op_kind_check,
    ADD CONSTRAINT payment_op_kind_check CHECK (kind IN (
                        'capture',      -- take `amount` of what is held, the rest is released
                        'difference',   -- give `amount` back: a higher step was reached
                        'refund',       -- give `amount` back: staff decided so
                        'undo')),       -- give back whatever is held or taken
    DROP CONSTRAINT payment_op_state_check,
    ADD CONSTRAINT payment_op_state_check CHECK (state IN (
                        'pending',
                        'done',
                        'declined',     -- the provider will not
                        'dropped')),    -- nobody waits for the payment any more: its undo sees to the rest
    DROP CONSTRAINT payment_op_payment_id_kind_key;
CREATE UNIQUE INDEX payment_op_one ON payment_op (payment_id, kind) WHERE kind <> 'refund';
CREATE INDEX payment_op_payment ON payment_op (payment_id);

CREATE TABLE order_refund (
    refund_id       text PRIMARY KEY,
    deal_id         text NOT NULL REFERENCES deal ON DELETE CASCADE,
    seat_id         text NOT NULL,                          -- the order
    amount          bigint NOT NULL CHECK (amount > 0),
    state           text NOT NULL CHECK (state IN (
                        'asked',        -- a second operator -> confirmed, refused
                        'confirmed',    -- the outbox has it; the provider will not -> refused
                        'refused')),
    asker           text NOT NULL,                          -- pseudonym; empty: erased
    body            json NOT NULL,                          -- RefundRequest
    at              timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX order_refund_seat ON order_refund (seat_id);
