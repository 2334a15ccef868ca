//! What recipients get: a template's text in their language, or what a single message says itself.
//!
//! The same function tries every text before the first send and writes it when it is sent, so that what was tried is
//! what goes out.

mod email;
mod page;
mod sms;
mod whatsapp;

pub use email::Frame;
pub use sms::SmsExtras;
pub use whatsapp::WhatsappExtras;

use super::{
    content::{Content, with_given},
    line::Written,
};
use chrono::{DateTime, NaiveDate, Utc};
use domain::{
    campaigns::ExclusionReason,
    ids::MessageId,
    messaging::{
        Channel, Correlation, Purpose,
        template::{RenderError, TemplateError},
    },
};
use email::EmailLetter;
use schema::{messages::RenderRow, template_versions::TemplateVersion};
use sms::SmsLetter;
use std::collections::BTreeMap;
use whatsapp::WhatsappLetter;

/// A template nothing can be sent with.
#[derive(Debug, thiserror::Error)]
pub enum LetterError {
    /// There is none.
    #[error("the template does not exist any more")]
    Missing,
    /// It is for another channel.
    #[error("the template {0:?} is for {1}, not for {2}")]
    Channel(String, &'static str, &'static str),
    /// It cannot be read.
    #[error("the template {name:?} cannot be used")]
    Template {
        /// Its name.
        name: String,
        /// Why.
        source: TemplateError,
    },
    /// It has conditions.
    #[error("the template {0:?} cannot be used: {error}", error = RenderError::Conditional)]
    Conditional(String),
    /// Header, buttons or registration cannot be read.
    #[error("what goes with the template {0:?} cannot be read")]
    Extras(String, #[source] serde_json::Error),
    /// Its row has a name that this version does not know.
    #[error("reading the template")]
    Row(#[from] schema::DbError),
}

/// Why there is no message for somebody, with what exactly.
pub type Unwritable = (ExclusionReason, String);

/// A template in one language, ready to be filled in.
#[derive(Debug)]
enum Variant {
    Whatsapp(Box<WhatsappLetter>),
    Sms(Box<SmsLetter>),
    Email(Box<EmailLetter>),
}

/// What messages of a channel say, as of a day.
#[derive(Debug)]
pub struct Letters {
    channel: Channel,
    variants: BTreeMap<i64, Variant>,
    today: NaiveDate,
    frame: Frame,
    registered: Vec<String>,
    purpose: Purpose,
}

/// The message and the attempt that a text is written for.
#[derive(Debug, Clone, Copy)]
struct Stamp {
    correlation: Correlation,
    purpose: Purpose,
    now: DateTime<Utc>,
}

impl Letters {
    /// Reads versions of templates for a channel; none is fine where every message says itself what it says.
    /// `registered`: countries that take no text message whose text was not registered.
    pub fn new(
        channel: Channel,
        versions: Vec<TemplateVersion>,
        today: NaiveDate,
        frame: Frame,
        registered: Vec<String>,
    ) -> Result<Self, LetterError> {
        let mut variants = BTreeMap::new();
        let mut purpose = Purpose::Service;
        for version in versions {
            if version.purpose()? == Purpose::Marketing {
                purpose = Purpose::Marketing;
            }
            let other = version.channel()?;
            if other != channel {
                return Err(LetterError::Channel(version.name, other.as_str(), channel.label()));
            }
            let id = version.id;
            let variant = match channel {
                Channel::Whatsapp => Variant::Whatsapp(Box::new(WhatsappLetter::new(version)?)),
                Channel::Sms => Variant::Sms(Box::new(SmsLetter::new(version)?)),
                Channel::Email => Variant::Email(Box::new(EmailLetter::new(version)?)),
            };
            variants.insert(id, variant);
        }
        Ok(Self { channel, variants, today, frame, registered, purpose })
    }

    /// What they are for: marketing as soon as one of them is.
    pub fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// The message for one recipient, or why there is none. Takes the row's texts.
    pub fn write(&self, row: &mut RenderRow, now: DateTime<Utc>) -> Result<Written, Unwritable> {
        let unrenderable = |detail: String| (ExclusionReason::Unrenderable, detail);
        let purpose = row.purpose().map_err(|error| unrenderable(error.to_string()))?;
        let correlation = Correlation { message: MessageId(row.id), attempt: i32::from(row.attempts) };
        let stamp = Stamp { correlation, purpose, now };
        let content = match row.content.take() {
            None => Content::Template { values: BTreeMap::new(), subject: None },
            Some(content) => serde_json::from_value(content).map_err(|error| unrenderable(error.to_string()))?,
        };
        match (content, self.channel) {
            (Content::Template { values, subject }, _) => {
                let variant = row.template_version_id.and_then(|id| self.variants.get(&id));
                let variant = variant.ok_or_else(|| unrenderable("its template is gone".to_owned()))?;
                let variables = with_given(row.variables(self.today), &values);
                match variant {
                    Variant::Whatsapp(letter) => letter.write(&row.address, &variables, stamp).map(Written::Whatsapp),
                    Variant::Sms(letter) => {
                        letter.write(&row.address, &variables, stamp, &self.registered).map(Written::Sms)
                    }
                    Variant::Email(letter) => {
                        let message = letter.write(&row.address, subject.as_deref(), &variables, stamp, &self.frame)?;
                        Ok(Written::Email { message: Box::new(message), files: Vec::new() })
                    }
                }
            }
            (Content::Whatsapp { content, in_reply_to }, Channel::Whatsapp) => {
                whatsapp::plain(&row.address, content, in_reply_to, stamp).map(Written::Whatsapp)
            }
            (Content::Sms(content), Channel::Sms) => {
                sms::plain(&row.address, content, stamp, &self.registered).map(Written::Sms)
            }
            (Content::Email(mut content), Channel::Email) => {
                let files = std::mem::take(&mut content.attachments);
                let message = email::plain(&row.address, content, stamp, &self.frame);
                Ok(Written::Email { message: Box::new(message), files })
            }
            (Content::Whatsapp { .. } | Content::Sms(_) | Content::Email(_), _) => {
                Err(unrenderable("it is written for another channel".to_owned()))
            }
        }
    }
}

/// The number, if it can be written to. The number itself stays out of the reason.
fn phone(address: &str) -> Result<domain::contact::Phone, Unwritable> {
    address.parse().map_err(|error: domain::contact::PhoneError| (ExclusionReason::InvalidAddress, error.to_string()))
}

fn template_error(name: &str) -> impl Fn(TemplateError) -> LetterError + use<> {
    let name = name.to_owned();
    move |source| LetterError::Template { name: name.clone(), source }
}
