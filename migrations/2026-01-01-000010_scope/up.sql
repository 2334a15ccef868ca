-- Whose rows are whose, so that every list begins with those its reader may see.

-- What the uploader, or whoever started a campaign, reached at that time: their jobs reach no further.
ALTER TABLE file_uploads
    ADD COLUMN scope VARCHAR(10) NOT NULL DEFAULT 'all' CHECK (scope IN ('own', 'branch', 'all'));
ALTER TABLE campaigns
    ADD COLUMN scope VARCHAR(10) NOT NULL DEFAULT 'all' CHECK (scope IN ('own', 'branch', 'all')),
    ADD COLUMN branch_id BIGINT REFERENCES branches (id);

-- Copies of the policy's, kept by the triggers below: a page of a branch's cases, newest first, is read from an index
-- and not sorted. They refer to nothing by themselves; the policy's do.
ALTER TABLE renewal_cases ADD COLUMN branch_id BIGINT, ADD COLUMN agent_id BIGINT;
UPDATE renewal_cases r SET branch_id = p.branch_id, agent_id = p.agent_id FROM policies p
WHERE p.id = r.policy_id AND (p.branch_id IS NOT NULL OR p.agent_id IS NOT NULL);

CREATE FUNCTION case_belongs() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    SELECT branch_id, agent_id INTO NEW.branch_id, NEW.agent_id FROM policies WHERE id = NEW.policy_id FOR SHARE;
    RETURN NEW;
END
$$;
-- an import writes both itself
CREATE TRIGGER renewal_cases_belong BEFORE INSERT ON renewal_cases
    FOR EACH ROW WHEN (NEW.branch_id IS NULL AND NEW.agent_id IS NULL) EXECUTE FUNCTION case_belongs();

CREATE FUNCTION cases_follow() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    UPDATE renewal_cases SET branch_id = NEW.branch_id, agent_id = NEW.agent_id WHERE policy_id = NEW.id;
    RETURN NULL;
END
$$;
CREATE TRIGGER policies_cases_follow AFTER UPDATE OF branch_id, agent_id ON policies
    FOR EACH ROW WHEN (OLD.branch_id IS DISTINCT FROM NEW.branch_id OR OLD.agent_id IS DISTINCT FROM NEW.agent_id)
    EXECUTE FUNCTION cases_follow();

CREATE INDEX idx_policies_branch_id ON policies (branch_id, id) WHERE branch_id IS NOT NULL;
CREATE INDEX idx_policies_branch_customer ON policies (branch_id, customer_id) WHERE branch_id IS NOT NULL;
CREATE INDEX idx_policies_agent ON policies (agent_id, id) WHERE agent_id IS NOT NULL;
CREATE INDEX idx_renewal_cases_branch ON renewal_cases (branch_id, id) WHERE branch_id IS NOT NULL;
CREATE INDEX idx_renewal_cases_agent ON renewal_cases (agent_id, id) WHERE agent_id IS NOT NULL;
CREATE INDEX idx_renewal_cases_assigned_id ON renewal_cases (assigned_to, id) WHERE assigned_to IS NOT NULL;
DROP INDEX idx_renewal_cases_assigned;
CREATE INDEX idx_file_uploads_branch ON file_uploads (branch_id, created_at DESC, id DESC) WHERE branch_id IS NOT NULL;
CREATE INDEX idx_file_uploads_uploader ON file_uploads (uploaded_by, created_at DESC, id DESC);
DROP INDEX idx_file_uploads_by_user;
