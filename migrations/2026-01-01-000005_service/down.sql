DROP TABLE ai_settings;
DROP TABLE notifications;
DROP TABLE files;
DROP TABLE claims;
DROP TABLE survey_responses;
DROP TABLE surveys;
DROP TABLE emails;
DROP TABLE email_accounts;
