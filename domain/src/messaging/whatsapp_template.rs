//! A WhatsApp template as its provider takes it: a name, a language, a category, and components in the vendor's own form.
//!
//! [`TemplateDraft::check`] finds what the vendor would refuse, by path, so that its author hears of it at once and not
//! after a day of review. Limits are the vendor's (message template reference).

use crate::text_enum::text_enum;
use serde::{Deserialize, Serialize};

text_enum! {
    /// What a template is for, at the vendor's judgement.
    pub enum TemplateCategory {
        /// It promotes.
        Marketing = "marketing",
        /// It follows from what the recipient did.
        Utility = "utility",
        /// It brings a code.
        Authentication = "authentication",
    }
}

text_enum! {
    /// Where a template stands with the vendor.
    pub enum TemplateState {
        /// Not handed in, or changed since.
        Draft = "draft",
        /// In review.
        Pending = "pending",
        /// May be sent.
        Approved = "approved",
        /// Was refused.
        Rejected = "rejected",
        /// Was stopped for a while: recipients complained.
        Paused = "paused",
        /// Was stopped for good.
        Disabled = "disabled",
    }
}

impl TemplateState {
    /// Whether its text may be changed: what is in review cannot be, and what is disabled stays so.
    pub const fn may_change(self) -> bool {
        !matches!(self, Self::Pending | Self::Disabled)
    }
}

/// A template as it is handed in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TemplateDraft {
    /// Small letters, digits and underscores.
    pub name: String,
    /// Such as `en` or `en_US`.
    pub language: String,
    /// What it is for.
    pub category: TemplateCategory,
    /// Its parts.
    pub components: Vec<TemplatePart>,
}

/// A part of a template, in the vendor's form.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "UPPERCASE")]
pub enum TemplatePart {
    /// What stands above.
    Header {
        /// A text, or a kind of file.
        format: HeaderFormat,
        /// Of a text, with at most one parameter.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<String>,
        /// What stands for the parameter, or a file for the reviewer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        example: Option<HeaderExample>,
    },
    /// The text.
    Body {
        /// With parameters `{{1}}`, `{{2}}`, …; of authentication the vendor writes it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<String>,
        /// What stands for the parameters.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        example: Option<BodyExample>,
        /// Of authentication: that the code is for nobody else.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        add_security_recommendation: Option<bool>,
    },
    /// A line below.
    Footer {
        /// Without parameters.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<String>,
        /// Of authentication: how long the code is good.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code_expiration_minutes: Option<u8>,
    },
    /// Up to ten buttons.
    Buttons {
        /// In order.
        buttons: Vec<TemplateButton>,
    },
}

/// What a header is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum HeaderFormat {
    /// A text.
    Text,
    /// A picture.
    Image,
    /// A film.
    Video,
    /// A file.
    Document,
}

/// An example of a header.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeaderExample {
    /// What stands for a text's parameter.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub header_text: Vec<String>,
    /// A file that was uploaded to the vendor.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub header_handle: Vec<String>,
}

/// An example of a body: one list of values.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BodyExample {
    /// What stands for the parameters, in order.
    pub body_text: Vec<Vec<String>>,
}

/// A button.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TemplateButton {
    /// Answers.
    QuickReply {
        /// What it says.
        text: String,
    },
    /// Opens a page.
    Url {
        /// What it says.
        text: String,
        /// May end in `{{1}}`.
        url: String,
        /// A whole address, when it does.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        example: Option<Vec<String>>,
    },
    /// Calls.
    PhoneNumber {
        /// What it says.
        text: String,
        /// Whom.
        phone_number: String,
    },
    /// Copies a code.
    CopyCode {
        /// Such a code.
        example: String,
    },
    /// Opens a form.
    Flow {
        /// What it says.
        text: String,
        /// The form's id at the vendor.
        flow_id: String,
        /// `navigate`, with the first screen.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        flow_action: Option<String>,
        /// The first screen.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        navigate_screen: Option<String>,
    },
    /// Copies the code of an authentication.
    Otp {
        /// `COPY_CODE`.
        otp_type: String,
        /// What it says.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<String>,
    },
}

/// What the vendor would refuse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateFault {
    /// Where: `components[1].text`.
    pub path: String,
    /// What would be right.
    pub problem: String,
}

impl TemplateDraft {
    /// Everything that the vendor would refuse.
    pub fn check(&self) -> Vec<TemplateFault> {
        let mut faults = Faults(Vec::new());
        let named = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if !(1..=512).contains(&self.name.len()) || !self.name.chars().all(named) {
            faults.add("name", "expected 1 to 512 small letters, digits and underscores");
        }
        let (tongue, land) = self.language.split_once('_').unwrap_or((&self.language, "XX"));
        let is_tongue = (2..=3).contains(&tongue.len()) && tongue.bytes().all(|b| b.is_ascii_lowercase());
        if !is_tongue || !(2..=3).contains(&land.len()) || !land.bytes().all(|b| b.is_ascii_uppercase()) {
            faults.add("language", "expected a language such as en or en_US");
        }
        let authentication = self.category == TemplateCategory::Authentication;
        let mut seen = [0_u8; 4];
        for (at, part) in self.components.iter().enumerate() {
            let path = format!("components[{at}]");
            let kind = match part {
                TemplatePart::Header { format, text, example } => {
                    faults.header(&path, *format, text.as_deref(), example.as_ref());
                    0
                }
                TemplatePart::Body { text, example, .. } => {
                    faults.body(&path, text.as_deref(), example.as_ref(), authentication);
                    1
                }
                TemplatePart::Footer { text, code_expiration_minutes } => {
                    faults.footer(&path, text.as_deref(), *code_expiration_minutes, authentication);
                    2
                }
                TemplatePart::Buttons { buttons } => {
                    faults.buttons(&path, buttons, authentication);
                    3
                }
            };
            if let Some(count) = seen.get_mut(kind) {
                *count = count.saturating_add(1);
                if *count == 2 {
                    faults.add(&path, "there is one of its type already");
                }
            }
        }
        if seen[1] == 0 {
            faults.add("components", "a BODY is required");
        }
        faults.0
    }
}

struct Faults(Vec<TemplateFault>);

impl Faults {
    fn add(&mut self, path: &str, problem: impl Into<String>) {
        self.0.push(TemplateFault { path: path.to_owned(), problem: problem.into() });
    }

    fn text(&mut self, path: &str, text: &str, limit: usize) {
        if text.trim().is_empty() {
            self.add(path, "is required");
        } else if text.chars().count() > limit {
            self.add(path, format!("has more than {limit} characters"));
        }
    }

    fn header(&mut self, path: &str, format: HeaderFormat, text: Option<&str>, example: Option<&HeaderExample>) {
        if format == HeaderFormat::Text {
            let text = text.unwrap_or_default();
            self.text(&format!("{path}.text"), text, 60);
            let parameters = self.parameters(&format!("{path}.text"), text);
            if parameters > 1 {
                self.add(&format!("{path}.text"), "has more than one parameter");
            }
            if example.map_or(0, |example| example.header_text.len()) != parameters {
                self.add(&format!("{path}.example.header_text"), "expected a value for each parameter");
            }
        } else if example.is_none_or(|example| example.header_handle.len() != 1) {
            self.add(&format!("{path}.example.header_handle"), "expected one uploaded file");
        }
    }

    fn body(&mut self, path: &str, text: Option<&str>, example: Option<&BodyExample>, authentication: bool) {
        let at = format!("{path}.text");
        if authentication {
            if text.is_some() {
                self.add(&at, "of authentication the provider writes the text");
            }
            return;
        }
        let text = text.unwrap_or_default();
        self.text(&at, text, 1_024);
        let parameters = self.parameters(&at, text);
        let trimmed = text.trim();
        if parameters > 0 && (trimmed.starts_with("{{") || trimmed.ends_with("}}")) {
            self.add(&at, "begins or ends with a parameter");
        }
        let values = example.and_then(|example| example.body_text.first()).map_or(0, Vec::len);
        if values != parameters {
            self.add(&format!("{path}.example.body_text"), "expected one list with a value for each parameter");
        }
    }

    fn footer(&mut self, path: &str, text: Option<&str>, minutes: Option<u8>, authentication: bool) {
        let at = format!("{path}.text");
        if authentication {
            if !minutes.is_some_and(|minutes| (1..=90).contains(&minutes)) {
                self.add(&format!("{path}.code_expiration_minutes"), "expected 1 to 90");
            }
            return;
        }
        let text = text.unwrap_or_default();
        self.text(&at, text, 60);
        if text.contains("{{") {
            self.add(&at, "takes no parameters");
        }
    }

    fn buttons(&mut self, path: &str, buttons: &[TemplateButton], authentication: bool) {
        if buttons.is_empty() || buttons.len() > 10 {
            self.add(&format!("{path}.buttons"), "expected 1 to 10");
        }
        let (mut pages, mut calls) = (0, 0);
        for (at, button) in buttons.iter().enumerate() {
            let path = format!("{path}.buttons[{at}]");
            if authentication != matches!(button, TemplateButton::Otp { .. }) {
                self.add(&path, "OTP buttons and authentication go together");
            }
            match button {
                TemplateButton::QuickReply { text } => self.text(&format!("{path}.text"), text, 25),
                TemplateButton::Url { text, url, example } => {
                    pages += 1;
                    self.text(&format!("{path}.text"), text, 25);
                    self.url(&path, url, example.as_deref());
                }
                TemplateButton::PhoneNumber { text, phone_number } => {
                    calls += 1;
                    self.text(&format!("{path}.text"), text, 25);
                    self.text(&format!("{path}.phone_number"), phone_number, 20);
                }
                TemplateButton::CopyCode { example } => self.text(&format!("{path}.example"), example, 15),
                TemplateButton::Flow { text, flow_id, .. } => {
                    self.text(&format!("{path}.text"), text, 25);
                    self.text(&format!("{path}.flow_id"), flow_id, 100);
                }
                TemplateButton::Otp { otp_type, .. } if otp_type != "COPY_CODE" => {
                    self.add(&format!("{path}.otp_type"), "expected COPY_CODE");
                }
                TemplateButton::Otp { .. } => {}
            }
        }
        if pages > 2 {
            self.add(&format!("{path}.buttons"), "has more than two addresses");
        }
        if calls > 1 {
            self.add(&format!("{path}.buttons"), "has more than one phone number");
        }
    }

    fn url(&mut self, path: &str, url: &str, example: Option<&[String]>) {
        let at = format!("{path}.url");
        if !url.starts_with("https://") || url.len() > 2_000 {
            self.add(&at, "expected an https address of at most 2000 characters");
        }
        let parameters = self.parameters(&at, url);
        if parameters > 1 || (parameters == 1 && !url.ends_with("{{1}}")) {
            self.add(&at, "takes one parameter, at its end");
        }
        if example.map_or(0, <[String]>::len) != parameters {
            self.add(&format!("{path}.example"), "expected a whole address for the parameter");
        }
    }

    /// How many parameters a text has: numbered from 1 without gaps.
    fn parameters(&mut self, path: &str, text: &str) -> usize {
        let mut numbers: Vec<usize> = Vec::new();
        for piece in text.split("{{").skip(1) {
            match piece.split_once("}}").and_then(|(number, _)| number.trim().parse().ok()) {
                Some(number) if !numbers.contains(&number) => numbers.push(number),
                Some(_) => {}
                None => self.add(path, "expected parameters as {{1}}, {{2}}"),
            }
        }
        numbers.sort_unstable();
        if numbers.iter().enumerate().any(|(at, number)| at + 1 != *number) {
            self.add(path, "expected parameters numbered from 1 without gaps");
        }
        numbers.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn draft(category: &str, components: Value) -> TemplateDraft {
        serde_json::from_value(
            json!({"name": "renewal_due", "language": "en_US", "category": category, "components": components}),
        )
        .unwrap()
    }

    fn paths(draft: &TemplateDraft) -> Vec<String> {
        draft.check().into_iter().map(|fault| fault.path).collect()
    }

    #[test]
    fn what_the_vendor_takes_passes_and_keeps_its_form() {
        let components = json!([
            {"type": "HEADER", "format": "TEXT", "text": "Policy {{1}}", "example": {"header_text": ["POL-1"]}},
            {"type": "BODY", "text": "Dear {{1}}, {{2}} is due.", "example": {"body_text": [["Asha", "POL-1"]]}},
            {"type": "FOOTER", "text": "Reply STOP to stop"},
            {"type": "BUTTONS", "buttons": [
                {"type": "URL", "text": "Renew", "url": "https://a.example/r/{{1}}", "example": ["https://a.example/r/x"]},
                {"type": "QUICK_REPLY", "text": "Later"},
            ]},
        ]);
        let read = draft("utility", components.clone());
        assert_eq!(read.check(), []);
        assert_eq!(serde_json::to_value(&read.components).unwrap(), components);
        let code = draft(
            "authentication",
            json!([
                {"type": "BODY", "add_security_recommendation": true},
                {"type": "FOOTER", "code_expiration_minutes": 10},
                {"type": "BUTTONS", "buttons": [{"type": "OTP", "otp_type": "COPY_CODE", "text": "Copy"}]},
            ]),
        );
        assert_eq!(code.check(), []);
    }

    #[test]
    fn what_it_refuses_is_named_by_path() {
        let faulty = draft(
            "marketing",
            json!([
                {"type": "HEADER", "format": "IMAGE"},
                {"type": "BODY", "text": "{{1}} is {{3}} due", "example": {"body_text": [["x"]]}},
                {"type": "FOOTER", "text": "for {{1}}"},
                {"type": "FOOTER", "text": "again"},
                {"type": "BUTTONS", "buttons": [
                    {"type": "URL", "text": "x".repeat(26), "url": "http://a.example/{{1}}/b"},
                    {"type": "OTP", "otp_type": "ONE_TAP"},
                ]},
            ]),
        );
        assert_eq!(
            paths(&faulty),
            [
                "components[0].example.header_handle",
                "components[1].text",
                "components[1].text",
                "components[1].example.body_text",
                "components[2].text",
                "components[3]",
                "components[4].buttons[0].text",
                "components[4].buttons[0].url",
                "components[4].buttons[0].url",
                "components[4].buttons[0].example",
                "components[4].buttons[1]",
                "components[4].buttons[1].otp_type",
            ]
        );
        let nameless = TemplateDraft {
            name: "Renewal due".to_owned(),
            language: "english".to_owned(),
            ..draft("utility", json!([]))
        };
        assert_eq!(paths(&nameless), ["name", "language", "components"]);
    }

    #[test]
    fn what_is_in_review_or_disabled_does_not_change() {
        let fixed: Vec<_> = TemplateState::ALL.iter().filter(|state| !state.may_change()).collect();
        assert_eq!(fixed, [&TemplateState::Pending, &TemplateState::Disabled]);
    }
}
