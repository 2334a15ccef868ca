//! What a WhatsApp message may hold: an approved template, or, within the service window, anything a chat may.
//!
//! Limits are the vendor's (WhatsApp Cloud API reference). [`WhatsappContent::check`] finds what would be refused, so
//! that a caller hears of it at once and not from a failed message.

use serde::{Deserialize, Serialize};

/// The longest text, in characters.
pub const TEXT_LIMIT: usize = 4_096;
/// The longest body of an interactive message, in characters.
pub const BODY_LIMIT: usize = 1_024;
/// The longest header or footer of an interactive message, in characters.
pub const FOOTER_LIMIT: usize = 60;
/// The most reply buttons.
pub const BUTTON_LIMIT: usize = 3;
/// The longest label of a button or title of a row's section, in characters.
pub const LABEL_LIMIT: usize = 20;
/// The most rows of a list, over all sections.
pub const ROW_LIMIT: usize = 10;
/// The longest title of a row, in characters.
pub const TITLE_LIMIT: usize = 24;
/// The longest description of a row, in characters.
pub const DESCRIPTION_LIMIT: usize = 72;
/// The longest id of a button or row, in characters.
pub const ID_LIMIT: usize = 200;
/// The longest caption, in characters.
pub const CAPTION_LIMIT: usize = 1_024;

/// What a message holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum WhatsappContent {
    /// An approved template: allowed at any time.
    Template(TemplateContent),
    /// A text. Only within the service window, as all that follow.
    Text {
        /// What it says.
        body: String,
        /// Whether the first link is shown with a preview.
        #[serde(default)]
        preview_url: bool,
    },
    /// A picture.
    Image(Media),
    /// A file.
    Document(Media),
    /// Something to choose from or to fill in.
    Interactive(Interactive),
}

/// An approved template and its values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TemplateContent {
    /// Its name at the provider.
    pub name: String,
    /// The language it was approved in, such as `en` or `en_US`.
    pub language: String,
    /// The value of the header's parameter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<HeaderValue>,
    /// The values of the body's numbered parameters, in order.
    #[serde(default)]
    pub body: Vec<String>,
    /// The values of the buttons' parameters.
    #[serde(default)]
    pub buttons: Vec<ButtonValue>,
}

/// The value of a template header's parameter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum HeaderValue {
    /// A text.
    Text {
        /// What it says.
        text: String,
    },
    /// A picture.
    Image(Media),
    /// A file.
    Document(Media),
    /// A film.
    Video(Media),
}

/// The value of a template button's parameter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ButtonValue {
    /// Which button, from 0.
    pub index: u8,
    /// What it takes.
    #[serde(flatten)]
    pub kind: ButtonKind,
}

/// What a template's button takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ButtonKind {
    /// The end of its address.
    Url {
        /// What stands for `{{1}}`.
        text: String,
    },
    /// What comes back when it is pressed.
    QuickReply {
        /// Comes back with the answer.
        payload: String,
    },
    /// A code to copy.
    CopyCode {
        /// The code.
        code: String,
    },
    /// A form.
    Flow {
        /// Comes back with the answers.
        token: String,
        /// What the first screen is given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        data: Option<serde_json::Value>,
    },
}

/// A file at the provider, or one it fetches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Media {
    /// Where it is.
    #[serde(flatten)]
    pub source: MediaSource,
    /// What stands below it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caption: Option<String>,
    /// Its name; of documents only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
}

/// Where a file is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaSource {
    /// Uploaded to the provider before, under this id.
    Id(String),
    /// The provider fetches it: an `https` address.
    Link(String),
}

/// Something to choose from or to fill in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Interactive {
    /// Up to three buttons.
    Buttons {
        /// The text above them.
        body: String,
        /// A line below.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        footer: Option<String>,
        /// The buttons.
        buttons: Vec<Choice>,
    },
    /// A list that opens.
    List {
        /// The text above it.
        body: String,
        /// A line below.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        footer: Option<String>,
        /// The label of the button that opens it.
        button: String,
        /// Its rows, in groups.
        sections: Vec<Section>,
    },
    /// A form.
    Flow {
        /// The text above it.
        body: String,
        /// A line below.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        footer: Option<String>,
        /// The form's id at the provider.
        flow_id: String,
        /// The label of the button that opens it.
        button: String,
        /// Comes back with the answers.
        token: String,
        /// The first screen.
        screen: String,
        /// What that screen is given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        data: Option<serde_json::Value>,
    },
}

/// One thing to choose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// Comes back when it is chosen.
    pub id: String,
    /// What it says.
    pub title: String,
    /// More about it; of rows only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// A group of rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    /// Its title; needed when there are several groups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Its rows.
    pub rows: Vec<Choice>,
}

/// What the vendor would refuse, by where it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct ContentFault {
    /// The member at fault.
    pub field: &'static str,
    /// What would be right.
    pub problem: String,
}

impl WhatsappContent {
    /// Whether it may go out at any time, and not only within the service window.
    pub const fn is_template(&self) -> bool {
        matches!(self, Self::Template(_))
    }

    /// Everything that the vendor would refuse.
    pub fn check(&self) -> Vec<ContentFault> {
        let mut faults = Faults(Vec::new());
        match self {
            Self::Template(template) => {
                faults.text("template.name", &template.name, 512);
                if let Some(HeaderValue::Image(media) | HeaderValue::Document(media) | HeaderValue::Video(media)) =
                    &template.header
                {
                    faults.media("template.header", media);
                }
            }
            Self::Text { body, .. } => faults.text("body", body, TEXT_LIMIT),
            Self::Image(media) => faults.media("image", media),
            Self::Document(media) => faults.media("document", media),
            Self::Interactive(interactive) => faults.interactive(interactive),
        }
        faults.0
    }
}

struct Faults(Vec<ContentFault>);

impl Faults {
    fn add(&mut self, field: &'static str, problem: impl Into<String>) {
        self.0.push(ContentFault { field, problem: problem.into() });
    }

    fn text(&mut self, field: &'static str, text: &str, limit: usize) {
        if text.trim().is_empty() {
            self.add(field, "is required");
        } else if text.chars().count() > limit {
            self.add(field, format!("has more than {limit} characters"));
        }
    }

    fn media(&mut self, field: &'static str, media: &Media) {
        match &media.source {
            MediaSource::Id(id) => self.text(field, id, 255),
            MediaSource::Link(link) if !link.starts_with("https://") => self.add(field, "expected an https address"),
            MediaSource::Link(_) => {}
        }
        if media.caption.as_ref().is_some_and(|caption| caption.chars().count() > CAPTION_LIMIT) {
            self.add(field, format!("has a caption of more than {CAPTION_LIMIT} characters"));
        }
    }

    fn choice(&mut self, field: &'static str, choice: &Choice, title: usize) {
        self.text(field, &choice.id, ID_LIMIT);
        self.text(field, &choice.title, title);
        if choice.description.as_ref().is_some_and(|text| text.chars().count() > DESCRIPTION_LIMIT) {
            self.add(field, format!("has a description of more than {DESCRIPTION_LIMIT} characters"));
        }
    }

    fn interactive(&mut self, interactive: &Interactive) {
        let (body, footer) = match interactive {
            Interactive::Buttons { body, footer, .. }
            | Interactive::List { body, footer, .. }
            | Interactive::Flow { body, footer, .. } => (body, footer),
        };
        self.text("body", body, BODY_LIMIT);
        if let Some(footer) = footer {
            self.text("footer", footer, FOOTER_LIMIT);
        }
        match interactive {
            Interactive::Buttons { buttons, .. } => {
                if buttons.is_empty() || buttons.len() > BUTTON_LIMIT {
                    self.add("buttons", format!("expected 1 to {BUTTON_LIMIT}"));
                }
                buttons.iter().for_each(|button| self.choice("buttons", button, LABEL_LIMIT));
                self.distinct("buttons", buttons.iter());
            }
            Interactive::List { button, sections, .. } => {
                self.text("button", button, LABEL_LIMIT);
                let rows = sections.iter().flat_map(|section| &section.rows);
                let count = rows.clone().count();
                if count == 0 || count > ROW_LIMIT {
                    self.add("sections", format!("expected 1 to {ROW_LIMIT} rows in all"));
                }
                if sections.len() > 1 && sections.iter().any(|section| section.title.is_none()) {
                    self.add("sections", "several sections need a title each");
                }
                rows.clone().for_each(|row| self.choice("sections", row, TITLE_LIMIT));
                self.distinct("sections", rows);
            }
            Interactive::Flow { flow_id, button, token, screen, .. } => {
                self.text("flow_id", flow_id, 100);
                self.text("button", button, 30);
                self.text("token", token, ID_LIMIT);
                self.text("screen", screen, 100);
            }
        }
    }

    fn distinct<'a>(&mut self, field: &'static str, choices: impl Iterator<Item = &'a Choice>) {
        let mut ids: Vec<&str> = choices.map(|choice| choice.id.as_str()).collect();
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        if ids.len() < count {
            self.add(field, "two have the same id");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(id: &str, title: &str) -> Choice {
        Choice { id: id.to_owned(), title: title.to_owned(), description: None }
    }

    #[test]
    fn what_the_vendor_would_refuse_is_found() {
        let buttons = |buttons: Vec<Choice>| {
            WhatsappContent::Interactive(Interactive::Buttons { body: "Renew?".to_owned(), footer: None, buttons })
        };
        assert_eq!(buttons(vec![choice("y", "Yes"), choice("n", "No")]).check(), []);
        let four = (0..4).map(|n| choice(&n.to_string(), "x")).collect();
        assert_eq!(buttons(four).check()[0].to_string(), "buttons: expected 1 to 3");
        assert_eq!(buttons(vec![choice("y", "Yes"), choice("y", "No")]).check()[0].problem, "two have the same id");
        assert_eq!(buttons(vec![choice("y", &"x".repeat(21))]).check().len(), 1);
        let link = Media { source: MediaSource::Link("http://a.example/b".to_owned()), caption: None, filename: None };
        assert_eq!(WhatsappContent::Image(link).check()[0].problem, "expected an https address");
        assert_eq!(
            WhatsappContent::Text { body: " ".to_owned(), preview_url: false }.check()[0].problem,
            "is required"
        );
    }

    #[test]
    fn content_survives_its_outside_form() {
        let json = serde_json::json!({"type": "template", "name": "a", "language": "en", "body": ["x"],
            "header": {"type": "image", "id": "5"}, "buttons": [{"index": 0, "type": "url", "text": "t"}]});
        let content: WhatsappContent = serde_json::from_value(json).unwrap();
        let again: WhatsappContent = serde_json::from_value(serde_json::to_value(&content).unwrap()).unwrap();
        assert_eq!(content, again);
        assert!(content.is_template() && content.check().is_empty());
    }
}
