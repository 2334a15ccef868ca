//! Forms at the vendor: made under a name, given their description, published; retired, not deleted.

use super::{WhatsappManager, templates::done};
use crate::answers::unreadable;
use domain::messaging::{FailureClass, SendFailure};
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

/// What the vendor has against a form's description.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct FlowProblem {
    /// Its short name.
    pub error: String,
    /// For people.
    pub message: String,
    /// In which line of the description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<i64>,
}

impl WhatsappManager {
    /// Makes a form without a description; its id.
    pub async fn create_flow(&self, name: &str) -> Result<String, SendFailure> {
        let body = json!({"name": name, "categories": ["OTHER"]});
        let answer = self.call(self.client.post(self.of_account("flows")).json(&body)).await?;
        answer["id"].as_str().filter(|id| !id.is_empty()).map(str::to_owned).ok_or_else(|| unreadable("no id"))
    }

    /// The id of a form by its name, among the newest.
    pub async fn find_flow(&self, name: &str) -> Result<Option<String>, SendFailure> {
        let mut url = self.of_account("flows");
        url.query_pairs_mut().append_pair("fields", "id,name").append_pair("limit", "100");
        let answer = self.call(self.client.get(url)).await?;
        let list = answer["data"].as_array().ok_or_else(|| unreadable("no list"))?;
        let found = list.iter().find(|flow| flow["name"] == name);
        Ok(found.and_then(|flow| flow["id"].as_str()).map(str::to_owned))
    }

    /// Gives a form its description; what the vendor has against it.
    pub async fn describe_flow(&self, id: &str, definition: &Value) -> Result<Vec<FlowProblem>, SendFailure> {
        let refused = |error: &dyn std::error::Error| SendFailure::new(FailureClass::Request, None, &error.to_string());
        let text = serde_json::to_vec(definition).map_err(|error| refused(&error))?;
        let file = Part::bytes(text).file_name("flow.json").mime_str("application/json");
        let form = Form::new()
            .text("name", "flow.json")
            .text("asset_type", "FLOW_JSON")
            .part("file", file.map_err(|error| refused(&error))?);
        let answer = self.call(self.client.post(self.of_object(id, "assets")?).multipart(form)).await?;
        let problems = answer["validation_errors"].as_array().map_or(&[][..], Vec::as_slice);
        if problems.is_empty() {
            done(&answer)?;
        }
        Ok(problems.iter().take(50).map(problem).collect())
    }

    /// Publishes a form: it does not change any more.
    pub async fn publish_flow(&self, id: &str) -> Result<(), SendFailure> {
        done(&self.call(self.client.post(self.of_object(id, "publish")?)).await?)
    }

    /// Retires a published form.
    pub async fn deprecate_flow(&self, id: &str) -> Result<(), SendFailure> {
        done(&self.call(self.client.post(self.of_object(id, "deprecate")?)).await?)
    }
}

fn problem(item: &Value) -> FlowProblem {
    let text = |name: &str| item[name].as_str().unwrap_or_default().chars().take(300).collect();
    FlowProblem { error: text("error"), message: text("message"), line: item["line_start"].as_i64() }
}
