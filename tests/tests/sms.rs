//! Text messages: the clients against stand-ins for their vendors, and what vendors tell over HTTP.

#[path = "sms/clients.rs"]
mod clients;
#[path = "sms/mail_vendors.rs"]
mod mail_vendors;
#[path = "sms/sns.rs"]
mod sns;
#[path = "sms/webhooks.rs"]
mod webhooks;
