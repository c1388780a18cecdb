-- Refunds that wait for a second operator are read whenever a room is loaded.
CREATE INDEX order_refund_asked ON order_refund (deal_id) WHERE state = 'asked';
