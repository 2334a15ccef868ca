-- Local times as instants, and lanes over several channels.

-- The instant of a local time: one that comes twice means the first, one that clocks skip is moved on by what they skip.
-- PostgreSQL takes the second of two, and reads a skipped one by the offset before. By the offset of a day before, a
-- time that comes twice is the first, and any other is itself or not to be had.
CREATE FUNCTION local_instant(local_time TIMESTAMP, zone TEXT) RETURNS TIMESTAMPTZ
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE WHEN (earlier AT TIME ZONE zone) = local_time THEN LEAST(earlier, plain) ELSE plain END
    FROM (SELECT ((local_time - INTERVAL '24 hours') AT TIME ZONE zone) + INTERVAL '24 hours' AS earlier,
              local_time AT TIME ZONE zone AS plain) AS read
$$;

-- when it was last looked who is to be put on the ladder, and whose way is over
ALTER TABLE campaigns ADD COLUMN enrolled_at TIMESTAMPTZ;

-- each lane looks for the messages of its channel
DROP INDEX messages_pending;
CREATE INDEX messages_pending ON messages (campaign_id, channel, due_at, id) WHERE status = 'pending';
