-- What lift compares.

-- Of the dimension `arm`, `total` of `treated`: policies that messages were written about, and recipients without one. A
-- message may be about several; those held out are policies too. Policies on ladders are counted there.
DO $make$
DECLARE
    counting CONSTANT TEXT := $counting$
        INSERT INTO campaign_figure_deltas (campaign_id, dimension, key, total)
        SELECT m.campaign_id, 'arm', 'treated', %s * sum(COALESCE(cardinality(m.policies), 1)) FROM %s m
        WHERE m.campaign_id IS NOT NULL AND m.enrolment_id IS NULL GROUP BY m.campaign_id;
    $counting$;
    made RECORD;
BEGIN
    FOR made IN
        SELECT * FROM (VALUES ('insert', 1, 'written', 'NEW'), ('delete', -1, 'removed', 'OLD'))
            AS o (operation, sign, rows, kind)
    LOOP
        EXECUTE format('CREATE FUNCTION %I() RETURNS TRIGGER LANGUAGE plpgsql AS $f$ BEGIN %s RETURN NULL; END $f$',
            'messages_treated_' || made.operation, format(counting, made.sign, made.rows));
        EXECUTE format(
            'CREATE TRIGGER %I AFTER %s ON messages REFERENCING %s TABLE AS %I FOR EACH STATEMENT EXECUTE FUNCTION %I()',
            'messages_treated_' || made.operation, made.operation, made.kind, made.rows,
            'messages_treated_' || made.operation);
    END LOOP;
    EXECUTE format('DO $d$ BEGIN %s END $d$', format(counting, 1, 'messages'));
END
$make$;
