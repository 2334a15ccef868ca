//! The ways a message can go out.

use crate::text_enum::text_enum;

text_enum! {
    /// A channel, by the name it has in tables and JSON.
    pub enum Channel {
        /// Email.
        Email = "email",
        /// WhatsApp.
        Whatsapp = "whatsapp",
        /// Text message to a phone.
        Sms = "sms",
    }
}

impl Channel {
    /// How people write it: `May Renewals Campaign (Email)`.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Email => "Email",
            Self::Whatsapp => "WhatsApp",
            Self::Sms => "SMS",
        }
    }
}
