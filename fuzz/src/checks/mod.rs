//! What must hold of any bytes: a function a fuzz target, each panics where it does not.

mod mails;
mod upload;
mod webhooks;

pub use mails::{dsn, keyword, mime, tracking_token};
pub use upload::{csv_rows, row_values, workbook};
pub use webhooks::{sendgrid_webhook, ses_webhook, textlocal_webhook, twilio_webhook, webhook};

/// What must hold of any bytes.
pub type Check = fn(&[u8]);

/// All of them, by the names of the targets and of the folders of their seeds.
pub const ALL: [(&str, Check); 12] = [
    ("csv_rows", csv_rows),
    ("dsn", dsn),
    ("keyword", keyword),
    ("mime", mime),
    ("row_values", row_values),
    ("sendgrid_webhook", sendgrid_webhook),
    ("ses_webhook", ses_webhook),
    ("textlocal_webhook", textlocal_webhook),
    ("tracking_token", tracking_token),
    ("twilio_webhook", twilio_webhook),
    ("webhook", webhook),
    ("workbook", workbook),
];
