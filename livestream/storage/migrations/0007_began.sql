-- "In this show" begins when the show does, not at the time that was announced for it.

ALTER TABLE show ADD COLUMN began_at timestamptz;               -- it left `scheduled`: since then viewers can talk and buy in it
UPDATE show SET began_at = coalesce(live_at, starts_at) WHERE state <> 'scheduled';
UPDATE room SET state = jsonb_set(room.state::jsonb, '{show,began_at}',
                                  to_jsonb(floor(extract(epoch FROM began_at) * 1000)::bigint))::json
  FROM show WHERE show.show_id = room.state->'show'->>'id' AND began_at IS NOT NULL;
