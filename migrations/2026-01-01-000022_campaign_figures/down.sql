DROP TRIGGER messages_figures_insert ON messages;
DROP TRIGGER messages_figures_update ON messages;
DROP TRIGGER messages_figures_delete ON messages;
DROP TRIGGER campaign_exclusions_figures_insert ON campaign_exclusions;
DROP TRIGGER campaign_exclusions_figures_update ON campaign_exclusions;
DROP TRIGGER campaign_exclusions_figures_delete ON campaign_exclusions;
DROP TRIGGER renewal_cases_converts ON renewal_cases;
DROP TRIGGER renewal_cases_converts_later ON renewal_cases;
DROP TRIGGER messages_branch ON messages;
DROP TABLE conversion_credits;
DROP TABLE case_conversions;
DROP TABLE campaign_figure_deltas;
DROP TABLE campaign_figures;
DROP FUNCTION messages_figures_insert(), messages_figures_update(), messages_figures_delete(),
    conversion_credits_figures_insert(), conversion_credits_figures_update(), conversion_credits_figures_delete(),
    campaign_exclusions_figures_insert(), campaign_exclusions_figures_update(), campaign_exclusions_figures_delete(),
    case_converts(), message_branch();
ALTER TABLE messages DROP COLUMN branch_id, DROP COLUMN converted_at;
