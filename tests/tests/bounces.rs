//! Mails that do not arrive: a real Postfix sends real reports into a real Dovecot, and the job reads them over IMAP.

#[path = "bounces/ground.rs"]
mod ground;
#[path = "bounces/imap.rs"]
mod imap;
#[path = "bounces/mailbox.rs"]
mod mailbox;
#[path = "bounces/reports.rs"]
mod reports;
