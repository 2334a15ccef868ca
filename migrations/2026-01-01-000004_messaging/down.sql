DROP TABLE inbound_messages;
DROP TABLE provider_events;
DROP TABLE campaign_exclusions;
DROP VIEW campaign_recipients;
DROP TABLE messages;
DROP TABLE campaigns;
DROP TABLE whatsapp_templates;
DROP TABLE templates;
