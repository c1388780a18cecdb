-- Pseudonyms outlive a change of the deployment's secret; what tells of a person is found and has an end.

-- A deployment that knows people already goes on with the pseudonyms it gave them: null is filled at the next start.
CREATE TABLE pseudonym_key (
    key         bytea,
    only_row    boolean PRIMARY KEY DEFAULT true CHECK (only_row)
);
INSERT INTO pseudonym_key (key) SELECT NULL WHERE EXISTS (SELECT FROM person);

ALTER TABLE sanction ADD COLUMN by_who text NOT NULL DEFAULT '';
ALTER TABLE staff ADD COLUMN came_by text NOT NULL DEFAULT 'shop' CHECK (came_by IN ('shop', 'token', 'invitation'));

CREATE FUNCTION tells_of(event json) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE event->>'t'
        WHEN 'held' THEN ARRAY(SELECT each->>'id' FROM json_array_elements(event->'comments') AS c (each))
        ELSE ARRAY[event->'comment'->>'id']
    END
$$;
CREATE INDEX staff_log_tells_of ON staff_log USING gin (tells_of(event)) WHERE event->>'t' IN ('held', 'reported');
