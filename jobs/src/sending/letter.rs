//! What one recipient gets: the campaign's template, filled in.
//!
//! The same function tries every text before the first send and writes it when it is sent, so that what was tried is
//! what goes out.

use chrono::NaiveDate;
use domain::{
    campaigns::ExclusionReason,
    contact::Phone,
    ids::MessageId,
    messaging::{
        Channel, Correlation,
        template::{RenderError, Template, TemplateError, body_parameters},
        whatsapp::{TemplateContent, WhatsappContent},
    },
};
use providers::messaging::WhatsappMessage;
use schema::{campaigns::TemplateText, messages::RenderRow};

/// A template nothing can be sent with.
#[derive(Debug, thiserror::Error)]
pub enum LetterError {
    /// There is none.
    #[error("the template does not exist any more")]
    Missing,
    /// It is for another channel.
    #[error("the template {0:?} is for {1}, not for WhatsApp")]
    Channel(String, Channel),
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
}

/// A campaign's template, ready to be filled in.
#[derive(Debug)]
pub struct Letter {
    template: Template,
    name: String,
    language: String,
    today: NaiveDate,
}

impl Letter {
    /// Reads the template, as of the campaign's day.
    pub fn new(text: Option<TemplateText>, today: NaiveDate) -> Result<Self, LetterError> {
        let text = text.ok_or(LetterError::Missing)?;
        if text.channel != Channel::Whatsapp {
            return Err(LetterError::Channel(text.name, text.channel));
        }
        let template = match Template::compile(&text.content) {
            Ok(template) => template,
            Err(source) => return Err(LetterError::Template { name: text.name, source }),
        };
        if template.parameter_count().is_none() {
            return Err(LetterError::Conditional(text.name));
        }
        let name = text.provider_name.unwrap_or_else(|| provider_name(&text.name));
        Ok(Self { template, name, language: text.language, today })
    }

    /// The message for one recipient, or why there is none. Takes the row's texts.
    pub fn write(&self, row: &mut RenderRow) -> Result<WhatsappMessage, (ExclusionReason, String)> {
        let to: Phone = row.address.parse().map_err(|error: domain::contact::PhoneError| {
            // the number itself stays out of it
            (ExclusionReason::InvalidAddress, error.to_string())
        })?;
        let variables = row.variables(self.today);
        let parameters = body_parameters(&self.template, &variables).map_err(|error| ExclusionReason::of(&error))?;
        let template = TemplateContent {
            name: self.name.clone(),
            language: self.language.clone(),
            header: None,
            body: parameters,
            buttons: Vec::new(),
        };
        Ok(WhatsappMessage {
            to,
            content: WhatsappContent::Template(template),
            in_reply_to: None,
            correlation: Correlation { message: MessageId(row.id), attempt: i32::from(row.attempts) },
        })
    }
}

/// The name its approved copy has when nothing else is said: Meta takes small letters, digits and underscores.
fn provider_name(name: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_without_a_name_at_the_provider_goes_by_its_own() {
        assert_eq!(provider_name("Renewal Reminder - 30 Days"), "renewal_reminder_30_days");
    }
}
