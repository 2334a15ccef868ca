//! Checks what is written about a template: that it compiles, that it fits its channel, that its variables are listed.
//!
//! Fails with every fault at once, each by its field.

use super::NewTemplate;
use crate::{
    envelope::FieldFault,
    error::{ApiError, ApiResult},
    request::blank_is_none,
};
use domain::{
    ids::FlowId,
    messaging::{
        Channel, Purpose,
        flow::ReplyFlow,
        template::{Template, TemplateError},
    },
};
use jobs::sending::letter::{SmsExtras, WhatsappExtras};
use schema::{AsyncPgConnection, template_versions::Variant, templates::TemplateText, whatsapp_flows};
use serde::Deserialize;
use serde_json::Value;

/// A template's text that can be kept.
#[derive(Debug)]
pub struct Checked {
    given: NewTemplate,
    variables: Vec<String>,
    language: String,
    variants: Vec<Variant>,
    /// The flow of replies that answers to its buttons lead into, and what they say.
    reply_flow: Option<(FlowId, Vec<String>)>,
    /// Used, and offered by no policy or customer.
    pub unknown_variables: Vec<String>,
}

impl Checked {
    /// As the table takes it.
    pub fn text(&self) -> TemplateText<'_> {
        TemplateText {
            name: self.given.name.trim(),
            channel: self.given.channel.0,
            subject: self.given.subject.as_deref(),
            content: &self.given.content,
            variables: &self.variables,
            provider_name: self.given.provider_name.as_deref(),
            language: &self.language,
            is_active: self.given.is_active.unwrap_or(true),
            purpose: self.given.purpose.map_or(Purpose::Service, |purpose| purpose.0),
            topic: self.given.topic.as_deref(),
            is_html: self.given.is_html(),
            tracked: self.given.tracked.unwrap_or(false),
            extras: self.given.extras.as_ref().map(|extras| &extras.0),
            variants: &self.variants,
        }
    }
}

impl NewTemplate {
    fn is_html(&self) -> bool {
        self.format.as_deref() == Some("html")
    }
}

/// The text, if it can be kept.
pub fn checked(mut given: NewTemplate) -> ApiResult<Checked> {
    let mut faults = Faults::default();
    given.subject = blank_is_none(given.subject.take());
    given.provider_name = blank_is_none(given.provider_name.take());
    given.topic = blank_is_none(given.topic.take());
    if given.channel.0 != Channel::Email && (given.is_html() || given.tracked == Some(true)) {
        faults.add("format", "only emails are pages, and only they are watched");
    }
    if given.name.trim().is_empty() {
        faults.add("name", "is required");
    }
    let content = faults.compile("content", &given.content);
    let subject = given.subject.as_deref().and_then(|subject| faults.compile("subject", subject));
    match (given.channel.0, &given.subject) {
        (Channel::Email, None) => faults.add("subject", "an email needs a subject"),
        (Channel::Whatsapp | Channel::Sms, Some(_)) => faults.add("subject", "only emails have a subject"),
        _ => {}
    }
    if given.subject.as_ref().is_some_and(|subject| subject.contains(['\r', '\n'])) {
        faults.add("subject", "a subject is one line");
    }
    if let Some(name) = &given.provider_name {
        faults.provider_name(given.channel.0, name, content.as_ref());
    }
    let extras = given.extras.as_ref().map(|extras| &extras.0);
    let reply_flow = extras.and_then(|extras| faults.extras("extras", given.channel.0, extras));
    let language = blank_is_none(given.language.take()).unwrap_or_else(|| "en".to_owned());
    if !is_language(&language) {
        faults.add("language", "expected a language such as en or en_US");
    }
    let templates = [&subject, &content];
    let used = distinct(templates.iter().copied().flatten().flat_map(|template| template.variables().iter().cloned()));
    let unknown =
        distinct(templates.iter().copied().flatten().flat_map(|template| template.unknown_variables().into_iter()));
    let variables = match given.variables.take() {
        None => used,
        Some(listed) => {
            let listed = distinct(listed.into_iter().map(|name| name.trim().to_owned()));
            faults.variables(&used, &listed);
            listed
        }
    };
    let variants = faults.variants(&mut given, &language, &variables);
    faults.none()?;
    Ok(Checked { given, variables, language, variants, reply_flow, unknown_variables: unknown })
}

/// Refuses a flow of replies that is not in use, or that does not know what the buttons say.
pub async fn demand_reply_flow(connection: &mut AsyncPgConnection, checked: &Checked) -> ApiResult<()> {
    let Some((flow, choices)) = &checked.reply_flow else { return Ok(()) };
    let mut faults = Faults::default();
    let found = whatsapp_flows::published(connection, &[flow.0]).await?.into_iter().next();
    match found.map(|(_, definition)| ReplyFlow::read(&definition)) {
        Some(Ok(flow)) => {
            let known = flow.steps.get(&flow.start).map(|step| &step.answers);
            for choice in choices.iter().filter(|choice| !known.is_some_and(|known| known.contains_key(*choice))) {
                faults.add("extras.buttons", format!("the flow does not say what follows from {choice:?}"));
            }
        }
        _ => faults.add("extras.replyFlowId", "there is no such flow of replies that is published"),
    }
    faults.none()
}

#[derive(Default)]
struct Faults(Vec<FieldFault>);

impl Faults {
    fn add(&mut self, field: &str, message: impl Into<String>) {
        self.0.push(FieldFault { field: field.to_owned(), message: message.into() });
    }

    fn none(self) -> ApiResult<()> {
        if self.0.is_empty() { Ok(()) } else { Err(ApiError::faults(self.0)) }
    }

    fn compile(&mut self, field: &str, text: &str) -> Option<Template> {
        match Template::compile(text) {
            Ok(template) => Some(template),
            Err(error @ (TemplateError::Empty | TemplateError::TooLong | TemplateError::Syntax { .. })) => {
                self.add(field, error.to_string());
                None
            }
        }
    }

    /// What goes with a text, as sending will read it; the flow of replies that it names.
    fn extras(&mut self, field: &str, channel: Channel, extras: &Value) -> Option<(FlowId, Vec<String>)> {
        match channel {
            Channel::Whatsapp => match WhatsappExtras::deserialize(extras) {
                Ok(read) => {
                    let choices = read.choices().map(str::to_owned).collect();
                    return read.reply_flow_id.map(|flow| (flow, choices));
                }
                Err(error) => self.add(field, error.to_string()),
            },
            Channel::Sms => match SmsExtras::deserialize(extras) {
                Ok(read) if read.registration.as_ref().is_some_and(|ids| ids.template_id.trim().is_empty()) => {
                    self.add(&format!("{field}.registration.template_id"), "is required");
                }
                Ok(_) => {}
                Err(error) => self.add(field, error.to_string()),
            },
            Channel::Email => {}
        }
        None
    }

    /// Meta's rules for names, and what its numbered parameters can express (message templates, WhatsApp Cloud API).
    fn provider_name(&mut self, channel: Channel, name: &str, content: Option<&Template>) {
        if channel != Channel::Whatsapp {
            self.add("providerName", "only WhatsApp templates have a provider's name");
        } else if !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_') {
            self.add("providerName", "expected small letters, digits and underscores");
        }
        if content.is_some_and(|template| template.parameter_count().is_none()) {
            self.add(
                "content",
                "a template with conditions has no numbered parameters, which its provider's copy needs",
            );
        }
    }

    /// The same text in other languages: each once, and with no variable that the template does not list.
    fn variants(&mut self, given: &mut NewTemplate, own: &str, listed: &[String]) -> Vec<Variant> {
        let mut variants: Vec<Variant> = Vec::new();
        for (index, translation) in given.translations.take().unwrap_or_default().into_iter().enumerate() {
            let field = format!("translations[{index}]");
            let language = translation.language.trim().to_owned();
            if !is_language(&language) {
                self.add(&format!("{field}.language"), "expected a language such as en or en_US");
            } else if language == own || variants.iter().any(|known| known.language == language) {
                self.add(&format!("{field}.language"), "is there already");
            }
            let subject = blank_is_none(translation.subject);
            if (given.channel.0 == Channel::Email) != subject.is_some() {
                self.add(&format!("{field}.subject"), "an email needs a subject, and nothing else has one");
            }
            for (name, text) in [("content", Some(&translation.content)), ("subject", subject.as_ref())] {
                let Some(text) = text else { continue };
                let Some(template) = self.compile(&format!("{field}.{name}"), text) else { continue };
                let unlisted = template.undeclared_variables(listed);
                if !unlisted.is_empty() {
                    let message = format!("the text uses {}, which is not listed", unlisted.join(", "));
                    self.add(&format!("{field}.{name}"), message);
                }
            }
            let extras = translation.extras.map(|extras| extras.0);
            let flow =
                extras.as_ref().and_then(|extras| self.extras(&format!("{field}.extras"), given.channel.0, extras));
            if flow.is_some() {
                self.add(&format!("{field}.extras.replyFlowId"), "is named by the template, for all its languages");
            }
            variants.push(Variant { language, subject, content: translation.content, extras });
        }
        variants
    }

    fn variables(&mut self, used: &[String], listed: &[String]) {
        let missing: Vec<_> = used.iter().filter(|name| !listed.contains(name)).map(String::as_str).collect();
        if !missing.is_empty() {
            self.add("variables", format!("the text uses {}, which is not listed", missing.join(", ")));
        }
        if let Some(odd) = listed.iter().find(|name| !is_variable(name)) {
            self.add("variables", format!("{odd:?} is not a variable's name: letters, digits and underscores"));
        }
    }
}

fn distinct(names: impl Iterator<Item = String>) -> Vec<String> {
    names.fold(Vec::new(), |mut kept, name| {
        if !kept.contains(&name) {
            kept.push(name);
        }
        kept
    })
}

fn is_variable(name: &str) -> bool {
    let starts = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    starts && name.len() <= 64 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// `en`, `en_US`, `zh-Hant`: letters, then parts after a dash or underscore.
fn is_language(text: &str) -> bool {
    let mut parts = text.split(['_', '-']);
    let first = parts.next().unwrap_or_default();
    let is_primary = (2..=3).contains(&first.len()) && first.bytes().all(|byte| byte.is_ascii_lowercase());
    let is_part = |part: &str| (2..=4).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_primary && text.len() <= 10 && parts.all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Name;

    fn email() -> NewTemplate {
        NewTemplate {
            name: " Renewal reminder ".to_owned(),
            channel: Name(Channel::Email),
            subject: Some("Your policy {policy_number}".to_owned()),
            content: "Dear {name}, your policy ends on {{ expiry_date }}. {motto}".to_owned(),
            variables: None,
            provider_name: None,
            language: None,
            is_active: None,
            purpose: None,
            topic: None,
            format: None,
            tracked: None,
            extras: None,
            translations: None,
        }
    }

    fn fields(given: NewTemplate) -> Vec<String> {
        match checked(given) {
            Ok(_) => Vec::new(),
            Err(error) => vec![error.to_string()],
        }
    }

    #[test]
    fn variables_are_found_in_the_subject_and_the_content() {
        let checked = checked(email()).unwrap();
        assert_eq!(checked.variables, ["policy_number", "name", "expiry_date", "motto"]);
        assert_eq!(checked.unknown_variables, ["motto"]);
        assert_eq!(checked.text().name, "Renewal reminder");
        assert_eq!(checked.text().language, "en");
    }

    #[test]
    fn more_may_be_listed_than_is_used_but_not_less() {
        let listed = ["policy_number", "name", "expiry_date", "motto", "branch"].map(str::to_owned).to_vec();
        assert!(checked(NewTemplate { variables: Some(listed), ..email() }).is_ok());
        let short = fields(NewTemplate { variables: Some(vec!["name".to_owned()]), ..email() });
        assert_eq!(
            short,
            ["validation_failed: variables: the text uses policy_number, expiry_date, motto, which is not listed"]
        );
    }

    #[test]
    fn what_does_not_fit_the_channel_is_refused() {
        for (given, expected) in [
            (NewTemplate { subject: None, ..email() }, "an email needs a subject"),
            (NewTemplate { channel: Name(Channel::Sms), ..email() }, "only emails have a subject"),
            (NewTemplate { provider_name: Some("x".to_owned()), ..email() }, "only WhatsApp"),
            (NewTemplate { subject: Some("a\nBcc: b".to_owned()), ..email() }, "one line"),
            (NewTemplate { language: Some("english".to_owned()), ..email() }, "such as en"),
            (NewTemplate { content: "Dear {% if name %}".to_owned(), ..email() }, "content: line 1"),
        ] {
            let told = fields(given);
            assert!(told[0].contains(expected), "{told:?}");
        }
        let conditional = NewTemplate {
            channel: Name(Channel::Whatsapp),
            subject: None,
            content: "{% if branch %}{branch}{% endif %} x".to_owned(),
            provider_name: Some("renewal_1".to_owned()),
            ..email()
        };
        assert!(fields(conditional.clone())[0].contains("numbered parameters"));
        assert!(checked(NewTemplate { provider_name: None, ..conditional }).is_ok());
    }
}
