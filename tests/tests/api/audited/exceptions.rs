//! Operations that write nothing into the audit log. Adding one here is a decision to be reviewed.

/// The operation, and why.
pub const EXCEPTIONS: &[(&str, &str)] = &[
    ("post /api/auth/login", "nobody is known yet; sign-ins and failures are security events"),
    ("post /api/auth/mfa/verify", "nobody is signed in before the code is right; sign-ins are security events"),
    ("post /api/auth/password/forgot", "only asks for a mail, alike for nobody's address; the new password is audited"),
    ("post /api/auth/refresh", "renews what the caller holds already; the reuse of a token is a security event"),
    ("post /api/segments/preview", "changes nothing: a filter is only counted"),
    ("post /api/templates/{id}/preview", "changes nothing: the text is only rendered"),
    ("post /api/webhooks/sendgrid", "a provider's word, not a person's; the event is kept as it came"),
    ("post /api/webhooks/ses", "a provider's word, not a person's; the event is kept as it came"),
    ("post /api/webhooks/textlocal/{secret}", "a provider's word, not a person's; the event is kept as it came"),
    ("post /api/webhooks/twilio/inbound", "a provider's word, not a person's; the event is kept as it came"),
    ("post /api/webhooks/twilio/status", "a provider's word, not a person's; the event is kept as it came"),
    ("post /u/{token}", "a recipient's own choice: the log of consents keeps it, with what shows it"),
    ("post /p/{token}", "a recipient's own choices: the log of consents keeps them"),
    ("post /api/whatsapp/flows/{id}/validate", "changes nothing: the flow is only looked at"),
    ("post /api/webhooks/whatsapp", "a provider's word, not a person's; the event is kept as it came"),
];
