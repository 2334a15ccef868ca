//! E-mail through services that are called over HTTP, and what they tell later: SES, SendGrid.

#[path = "mail_services/deliveries.rs"]
mod deliveries;
#[path = "mail_services/letters.rs"]
mod letters;
#[path = "mail_services/sendgrid.rs"]
mod sendgrid;
#[path = "mail_services/sendgrid_events.rs"]
mod sendgrid_events;
#[path = "mail_services/ses.rs"]
mod ses;
#[path = "mail_services/ses_events.rs"]
mod ses_events;
#[path = "mail_services/taker.rs"]
mod taker;
