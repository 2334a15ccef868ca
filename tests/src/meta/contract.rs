//! The vendor's API description, as a judge of calls and webhooks.
//!
//! `contracts/meta.json` is cut out of the vendor's own. Its discriminators, which JSON Schema does not know, are
//! followed by hand, and rules the description leaves to prose are added.

use crate::contract::{faults, normalise};
use anyhow::{Context, Result, anyhow};
use jsonschema::Validator;
use serde_json::{Map, Value, json};

const DESCRIPTION: &str = include_str!("../../contracts/meta.json");

/// The description, ready to judge.
pub struct Contract {
    template: Validator,
    message: Validator,
    webhook: Validator,
    answer: Validator,
    /// By the name a discriminator gives.
    parts: Vec<(&'static str, Validator)>,
}

impl Contract {
    /// Reads the description.
    pub fn load() -> Result<Self> {
        let mut description: Value = serde_json::from_str(DESCRIPTION)?;
        normalise(&mut description);
        let components = description["components"].as_object().context("the description has components")?.clone();
        let mut parts = Vec::new();
        for name in ["HeaderComponent", "BodyComponent", "ButtonComponent", "TextParameter"] {
            parts.push((name, judge(&components, name)?));
        }
        Ok(Self {
            template: judge(&components, "TemplateMessage")?,
            message: judge(&components, "Message")?,
            webhook: judge(&components, "WebhookPayload")?,
            answer: judge(&components, "MessageResponsePayload")?,
            parts,
        })
    }

    /// What the description has against a message; empty when it is as described.
    pub fn against_message(&self, message: &Value) -> Vec<String> {
        // the one of the alternatives that its type names: the same verdict, sooner, and with a reason that can be read
        let judge = if message["type"] == "template" { &self.template } else { &self.message };
        let mut against = faults(judge, message);
        if against.is_empty() && message["type"] == "template" {
            self.against_components(&message["template"]["components"], &mut against);
        }
        if !message["to"].as_str().is_some_and(is_number) {
            against.push("to: not a phone number".to_owned());
        }
        against
    }

    /// What the description has against a delivery of webhooks, incoming messages aside.
    ///
    /// Those it describes by mistake as outgoing ones, which its own examples do not meet.
    pub fn against_webhook(&self, delivery: &Value) -> Vec<String> {
        let mut delivery = delivery.clone();
        for entry in delivery["entry"].as_array_mut().into_iter().flatten() {
            if let Some(changes) = entry["changes"].as_array_mut() {
                changes.retain(|change| change["value"].get("messages").is_none());
            }
        }
        faults(&self.webhook, &delivery)
    }

    /// What the description has against an answer to a message.
    pub fn against_answer(&self, answer: &Value) -> Vec<String> {
        faults(&self.answer, answer)
    }

    fn against_components(&self, components: &Value, against: &mut Vec<String>) {
        for component in components.as_array().into_iter().flatten() {
            let name = match component["type"].as_str() {
                Some("header") => "HeaderComponent",
                Some("body") => "BodyComponent",
                _ => "ButtonComponent",
            };
            against.extend(self.by_name(name, component));
            let parameters = component["parameters"].as_array().into_iter().flatten();
            for parameter in parameters.filter(|parameter| parameter["type"] == "text") {
                against.extend(self.by_name("TextParameter", parameter));
                if !parameter["text"].as_str().is_some_and(is_parameter) {
                    against.push("parameter: blank, or with line breaks, tabs or more than four spaces".to_owned());
                }
            }
        }
    }

    fn by_name(&self, name: &str, value: &Value) -> Vec<String> {
        let found = self.parts.iter().find(|(part, _)| *part == name);
        found.map(|(_, judge)| faults(judge, value)).unwrap_or_default()
    }
}

fn judge(components: &Map<String, Value>, name: &str) -> Result<Validator> {
    let schema = json!({"$ref": format!("#/components/schemas/{name}"), "components": components});
    jsonschema::draft202012::new(&schema).map_err(|error| anyhow!("{name}: {error}"))
}

fn is_number(text: &str) -> bool {
    let digits = text.trim_start_matches('+');
    (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
}

fn is_parameter(text: &str) -> bool {
    !text.trim().is_empty() && !text.contains(['\n', '\r', '\t']) && !text.contains("     ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message() -> Value {
        json!({
            "messaging_product": "whatsapp", "recipient_type": "individual", "to": "919876543210", "type": "template",
            "template": {
                "name": "renewal_reminder", "language": {"code": "en"},
                "components": [{"type": "body", "parameters": [{"type": "text", "text": "Asha"}]}],
            },
            "biz_opaque_callback_data": "m-1-1",
        })
    }

    #[test]
    fn what_is_as_described_passes() {
        let contract = Contract::load().unwrap();
        assert_eq!(contract.against_message(&message()), Vec::<String>::new());
        let text =
            json!({"messaging_product": "whatsapp", "to": "919876543210", "type": "text", "text": {"body": "x"}});
        assert_eq!(contract.against_message(&text), Vec::<String>::new());
        assert!(contract.message.is_valid(&message()), "the whole description agrees with the part that is asked");
    }

    #[test]
    fn what_is_not_does_not() {
        let contract = Contract::load().unwrap();
        let changes: [fn(&mut Value); 13] = [
            |m| m["messaging_product"] = json!(null),
            |m| m["to"] = json!(919_876_543_210_i64),
            |m| m["to"] = json!("Asha"),
            |m| m["type"] = json!("templates"),
            |m| m["template"]["language"] = json!("en"),
            |m| m["template"]["name"] = json!(null),
            |m| m["template"]["components"][0]["type"] = json!("footer"),
            |m| m["template"]["components"][0]["parameters"] = json!({"type": "text"}),
            |m| m["template"]["components"][0]["parameters"][0] = json!({"type": "text"}),
            |m| m["template"]["components"][0]["parameters"][0]["type"] = json!("number"),
            |m| m["template"]["components"][0]["parameters"][0]["text"] = json!("two\nlines"),
            |m| m["template"]["components"][0]["parameters"][0]["text"] = json!(""),
            |m| m["biz_opaque_callback_data"] = json!("x".repeat(513)),
        ];
        for (number, change) in changes.iter().enumerate() {
            let mut changed = message();
            change(&mut changed);
            assert!(!contract.against_message(&changed).is_empty(), "change {number}: {changed}");
        }
    }
}
