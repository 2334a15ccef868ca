//! A text message's words, with what travels beside them.

use super::{LetterError, Stamp, Unwritable, phone, template_error};
use crate::sending::content::SmsContent;
use domain::{
    campaigns::ExclusionReason,
    messaging::template::{Template, Variables},
};
use providers::messaging::{SmsMessage, SmsRegistration};
use schema::template_versions::TemplateVersion;
use serde::Deserialize;
use std::time::Duration;

/// What goes with the text.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct SmsExtras {
    sender: Option<String>,
    /// Its registration, where the recipient's country asks for one.
    pub registration: Option<SmsRegistration>,
    validity_seconds: Option<u32>,
}

/// A template, ready to be filled in.
#[derive(Debug)]
pub(super) struct SmsLetter {
    template: Template,
    extras: SmsExtras,
}

impl SmsLetter {
    pub fn new(version: TemplateVersion) -> Result<Self, LetterError> {
        let template = Template::compile_short(&version.content).map_err(template_error(&version.name))?;
        match version.extras.map(serde_json::from_value).transpose() {
            Ok(extras) => Ok(Self { template, extras: extras.unwrap_or_default() }),
            Err(error) => Err(LetterError::Extras(version.name, error)),
        }
    }

    pub fn write(
        &self,
        address: &str,
        variables: &Variables,
        stamp: Stamp,
        registered: &[String],
    ) -> Result<SmsMessage, Unwritable> {
        let body = self.template.render(variables).map_err(|error| ExclusionReason::of(&error))?;
        let SmsExtras { sender, registration, validity_seconds } = self.extras.clone();
        plain(address, SmsContent { body, sender, registration, validity_seconds }, stamp, registered)
    }
}

/// A message that says itself what it says. `registered`: countries that take no text that was not registered.
pub(super) fn plain(
    address: &str,
    content: SmsContent,
    stamp: Stamp,
    registered: &[String],
) -> Result<SmsMessage, Unwritable> {
    let to = phone(address)?;
    let missing = content.registration.as_ref().is_none_or(|registration| registration.template_id.trim().is_empty());
    if let Some(country) = to.country().filter(|country| missing && registered.contains(country)) {
        return Err((ExclusionReason::Unregistered, format!("{country} takes only texts that are registered there")));
    }
    Ok(SmsMessage {
        to,
        body: content.body.trim().to_owned(),
        sender: content.sender,
        purpose: stamp.purpose,
        registration: content.registration,
        validity: content.validity_seconds.map(|seconds| Duration::from_secs(seconds.into())),
        correlation: stamp.correlation,
    })
}
