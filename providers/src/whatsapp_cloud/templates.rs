//! Templates at the vendor: `{business account}/message_templates`.

use super::WhatsappManager;
use crate::answers::unreadable;
use domain::messaging::{
    SendFailure,
    whatsapp_template::{TemplateCategory, TemplateDraft, TemplateState},
};
use serde_json::{Value, json};

/// What is asked for of each template.
const FIELDS: &str = "id,name,language,status,category,quality_score,rejected_reason,components";
/// Templates of one page.
const PAGE: &str = "100";

/// A template was handed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submitted {
    /// The vendor's id of it.
    pub id: String,
    /// Where it stands.
    pub state: TemplateState,
    /// What the vendor takes it for.
    pub category: Option<TemplateCategory>,
}

/// A template as the vendor has it.
#[derive(Debug, Clone, PartialEq)]
pub struct RemoteTemplate {
    /// The vendor's id of it.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its language.
    pub language: String,
    /// Where it stands.
    pub state: TemplateState,
    /// What the vendor takes it for.
    pub category: TemplateCategory,
    /// How recipients take it: `GREEN`, `YELLOW`, `RED`.
    pub quality: Option<String>,
    /// Why it was refused.
    pub rejected_reason: Option<String>,
    /// Its parts.
    pub components: Value,
}

/// A part of the vendor's list.
#[derive(Debug, Clone, PartialEq)]
pub struct TemplatePage {
    /// Those that can be read.
    pub templates: Vec<RemoteTemplate>,
    /// What the next page is after; `None`: this was the last.
    pub next: Option<String>,
}

impl WhatsappManager {
    /// Hands a template in.
    pub async fn create_template(&self, draft: &TemplateDraft) -> Result<Submitted, SendFailure> {
        let body = json!({
            "name": draft.name, "language": draft.language, "category": draft.category.as_str().to_uppercase(),
            "components": draft.components,
        });
        let answer = self.call(self.client.post(self.of_account("message_templates")).json(&body)).await?;
        let id = answer["id"].as_str().filter(|id| !id.is_empty()).ok_or_else(|| unreadable("no id"))?;
        Ok(Submitted {
            id: id.to_owned(),
            state: state(answer["status"].as_str().unwrap_or_default()),
            category: category(&answer["category"]),
        })
    }

    /// Hands a changed text in; it is reviewed again. Its name and language stay.
    pub async fn edit_template(&self, id: &str, draft: &TemplateDraft) -> Result<(), SendFailure> {
        let body = json!({"category": draft.category.as_str().to_uppercase(), "components": draft.components});
        let answer = self.call(self.client.post(self.of_object(id, "")?).json(&body)).await?;
        done(&answer)
    }

    /// Takes one language of a template back.
    pub async fn delete_template(&self, id: &str, name: &str) -> Result<(), SendFailure> {
        let mut url = self.of_account("message_templates");
        url.query_pairs_mut().append_pair("hsm_id", id).append_pair("name", name);
        let answer = self.call(self.client.delete(url)).await?;
        done(&answer)
    }

    /// A page of all templates, or of those of a name.
    pub async fn list_templates(&self, name: Option<&str>, after: Option<&str>) -> Result<TemplatePage, SendFailure> {
        let mut url = self.of_account("message_templates");
        let given = [("fields", Some(FIELDS)), ("limit", Some(PAGE)), ("name", name), ("after", after)];
        url.query_pairs_mut().extend_pairs(given.into_iter().filter_map(|(name, value)| Some((name, value?))));
        let answer = self.call(self.client.get(url)).await?;
        let list = answer["data"].as_array().ok_or_else(|| unreadable("no list"))?;
        let paging = &answer["paging"];
        let next = paging["cursors"]["after"].as_str().filter(|_| paging["next"].is_string());
        Ok(TemplatePage { templates: list.iter().filter_map(read).collect(), next: next.map(str::to_owned) })
    }
}

fn read(item: &Value) -> Option<RemoteTemplate> {
    let text = |name: &str, limit: usize| item[name].as_str().filter(|text| (1..=limit).contains(&text.len()));
    let quality = item["quality_score"]["score"].as_str().filter(|score| *score != "UNKNOWN" && score.len() <= 20);
    let reason = item["rejected_reason"].as_str().filter(|reason| !reason.is_empty() && *reason != "NONE");
    Some(RemoteTemplate {
        id: text("id", 100)?.to_owned(),
        name: text("name", 255)?.to_owned(),
        language: text("language", 10)?.to_owned(),
        state: state(item["status"].as_str()?),
        category: category(&item["category"])?,
        quality: quality.map(str::to_owned),
        rejected_reason: reason.map(|reason| reason.chars().take(255).collect()),
        components: item["components"].clone(),
    })
}

/// Names the vendor uses besides ours mean that it cannot be sent.
fn state(name: &str) -> TemplateState {
    match name {
        "APPROVED" => TemplateState::Approved,
        "PENDING" | "IN_APPEAL" | "" => TemplateState::Pending,
        "REJECTED" => TemplateState::Rejected,
        "PAUSED" | "LIMIT_EXCEEDED" => TemplateState::Paused,
        _ => TemplateState::Disabled,
    }
}

fn category(name: &Value) -> Option<TemplateCategory> {
    name.as_str()?.to_lowercase().parse().ok()
}

pub(super) fn done(answer: &Value) -> Result<(), SendFailure> {
    match answer["success"] == Value::Bool(true) {
        true => Ok(()),
        false => Err(unreadable("no success")),
    }
}
