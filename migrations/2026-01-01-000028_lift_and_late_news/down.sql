DROP TABLE conversion_news;
DROP TRIGGER messages_treated_insert ON messages;
DROP TRIGGER messages_treated_delete ON messages;
DROP FUNCTION messages_treated_insert(), messages_treated_delete();
UPDATE campaign_figures SET total = 0 WHERE dimension = 'arm';
UPDATE campaign_figure_deltas SET total = 0 WHERE dimension = 'arm';
