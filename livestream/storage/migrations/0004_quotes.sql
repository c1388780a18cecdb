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
CREATE INDEX host_message_answers ON host_message ((body->>'answers')) WHERE body->>'answers' IS NOT NULL;
CREATE INDEX comment_shown ON comment (room_id, comment_id) WHERE fate = 'shown' AND hidden_at IS NULL;
CREATE INDEX notice_age ON notice (room_id, at);
CREATE INDEX staff_log_age ON staff_log (room_id, at);
CREATE INDEX person_age ON person (shop_id, seen_at);

-- Whose tokens hold no longer is kept when a person is erased: by a hash, which tells nobody who it was.
UPDATE revocation SET pseudonym = left(encode(sha256(convert_to(pseudonym, 'UTF8')), 'hex'), 32)
 WHERE pseudonym IS NOT NULL;
ALTER TABLE revocation RENAME COLUMN pseudonym TO mark;
