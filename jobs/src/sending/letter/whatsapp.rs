//! A WhatsApp template's values: the body's numbered parameters, and those of its header and buttons.

use super::{LetterError, Stamp, Unwritable, phone, template_error};
use domain::{
    campaigns::ExclusionReason,
    ids::FlowId,
    messaging::{
        template::{Template, Variables, body_parameters},
        whatsapp::{ButtonKind, ButtonValue, HeaderValue, Media, MediaSource, TemplateContent, WhatsappContent},
    },
};
use providers::messaging::WhatsappMessage;
use schema::template_versions::TemplateVersion;
use serde::Deserialize;

/// What goes with the text; every text may use variables.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct WhatsappExtras {
    header: Option<HeaderValue>,
    buttons: Vec<ButtonValue>,
    /// The flow of replies that answers to the buttons lead into: the template stands for its first message.
    pub reply_flow_id: Option<FlowId>,
}

impl WhatsappExtras {
    /// What answers to the buttons say, as far as that is the same for everybody.
    pub fn choices(&self) -> impl Iterator<Item = &str> {
        self.buttons.iter().filter_map(|button| match &button.kind {
            ButtonKind::QuickReply { payload } if !payload.contains('{') => Some(payload.as_str()),
            _ => None,
        })
    }
}

/// A template, ready to be filled in.
#[derive(Debug)]
pub(super) struct WhatsappLetter {
    template: Template,
    name: String,
    language: String,
    header: Option<(HeaderValue, Option<Template>)>,
    buttons: Vec<(ButtonValue, Option<Template>)>,
}

impl WhatsappLetter {
    pub fn new(version: TemplateVersion) -> Result<Self, LetterError> {
        let wrong = template_error(&version.name);
        let template = Template::compile_short(&version.content).map_err(&wrong)?;
        if template.parameter_count().is_none() {
            return Err(LetterError::Conditional(version.name));
        }
        let extras = version.extras.map(serde_json::from_value).transpose();
        let extras: WhatsappExtras = match extras {
            Ok(extras) => extras.unwrap_or_default(),
            Err(error) => return Err(LetterError::Extras(version.name, error)),
        };
        let compile = |text: Option<&str>| text.map(Template::compile_short).transpose().map_err(&wrong);
        let header = match extras.header {
            Some(header) => {
                let text = compile(text_of_header(&header))?;
                Some((header, text))
            }
            None => None,
        };
        let buttons = extras.buttons.into_iter().map(|button| {
            let text = compile(text_of_button(&button.kind))?;
            Ok((button, text))
        });
        Ok(Self {
            template,
            name: version.provider_name.unwrap_or_else(|| provider_name(&version.name)),
            language: version.language,
            header,
            buttons: buttons.collect::<Result<_, LetterError>>()?,
        })
    }

    pub fn write(&self, address: &str, variables: &Variables, stamp: Stamp) -> Result<WhatsappMessage, Unwritable> {
        let to = phone(address)?;
        let body = body_parameters(&self.template, variables).map_err(|error| ExclusionReason::of(&error))?;
        let fill = |text: &Option<Template>| {
            let filled = text.as_ref().map(|text| text.render(variables)).transpose();
            filled.map_err(|error| ExclusionReason::of(&error))
        };
        let header = match &self.header {
            Some((header, text)) => Some(with_header_text(header.clone(), fill(text)?)),
            None => None,
        };
        let buttons = self.buttons.iter().map(|(button, text)| Ok(with_button_text(button.clone(), fill(text)?)));
        let content = TemplateContent {
            name: self.name.clone(),
            language: self.language.clone(),
            header,
            body,
            buttons: buttons.collect::<Result<_, Unwritable>>()?,
        };
        let content = WhatsappContent::Template(content);
        Ok(WhatsappMessage { to, content, in_reply_to: None, correlation: stamp.correlation })
    }
}

/// A message that says itself what it says.
pub(super) fn plain(
    address: &str,
    content: WhatsappContent,
    in_reply_to: Option<String>,
    stamp: Stamp,
) -> Result<WhatsappMessage, Unwritable> {
    Ok(WhatsappMessage { to: phone(address)?, content, in_reply_to, correlation: stamp.correlation })
}

fn text_of_header(header: &HeaderValue) -> Option<&str> {
    match header {
        HeaderValue::Text { text } => Some(text),
        HeaderValue::Image(file) | HeaderValue::Document(file) | HeaderValue::Video(file) => match &file.source {
            MediaSource::Link(link) => Some(link),
            MediaSource::Id(_) => None,
        },
    }
}

fn with_header_text(header: HeaderValue, text: Option<String>) -> HeaderValue {
    let Some(text) = text else { return header };
    let linked = |file: Media| Media { source: MediaSource::Link(text.clone()), ..file };
    match header {
        HeaderValue::Text { .. } => HeaderValue::Text { text },
        HeaderValue::Image(file) => HeaderValue::Image(linked(file)),
        HeaderValue::Document(file) => HeaderValue::Document(linked(file)),
        HeaderValue::Video(file) => HeaderValue::Video(linked(file)),
    }
}

fn text_of_button(kind: &ButtonKind) -> Option<&str> {
    match kind {
        ButtonKind::Url { text } => Some(text),
        ButtonKind::QuickReply { payload } => Some(payload),
        ButtonKind::CopyCode { code } => Some(code),
        ButtonKind::Flow { .. } => None,
    }
}

fn with_button_text(button: ButtonValue, text: Option<String>) -> ButtonValue {
    let Some(text) = text else { return button };
    let kind = match button.kind {
        ButtonKind::Url { .. } => ButtonKind::Url { text },
        ButtonKind::QuickReply { .. } => ButtonKind::QuickReply { payload: text },
        ButtonKind::CopyCode { .. } => ButtonKind::CopyCode { code: text },
        flow @ ButtonKind::Flow { .. } => flow,
    };
    ButtonValue { kind, ..button }
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
