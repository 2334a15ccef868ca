DROP TRIGGER policies_ladders ON policies;
DROP TRIGGER renewal_cases_ladders ON renewal_cases;
DROP TRIGGER renewal_cases_ladders_later ON renewal_cases;
DROP TRIGGER claims_ladders ON claims;
DROP TRIGGER consents_ladders ON consents;
DROP TRIGGER inbound_messages_ladders ON inbound_messages;
DROP TRIGGER messages_ladders ON messages;
DROP TRIGGER campaign_enrolments_figures_insert ON campaign_enrolments;
DROP TRIGGER campaign_enrolments_figures_update ON campaign_enrolments;
DROP TRIGGER campaign_enrolments_figures_delete ON campaign_enrolments;
DROP FUNCTION campaign_enrolments_figures_insert(), campaign_enrolments_figures_update(),
    campaign_enrolments_figures_delete(), ladders_hear_of_policy(), ladders_hear_of_its_policy(),
    ladders_hear_of_customer(), ladders_hear_of_message();
DROP FUNCTION policy_has_news(BIGINT), customer_has_news(BIGINT);
DROP TABLE enrolment_news;
DELETE FROM campaign_figures WHERE dimension = 'ladder';
DELETE FROM campaign_figure_deltas WHERE dimension = 'ladder';
