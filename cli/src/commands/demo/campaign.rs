//! The campaign: a template, the audience of the upload, the sending, and the figures.

use super::{
    api::{Api, field},
    say,
    upload::Uploaded,
};
use crate::output::{self, Form};
use anyhow::{Context, bail};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How often the figures are looked at.
const EVERY: Duration = Duration::from_secs(1);
/// How long the figures of a campaign that is over must stay the same; the sandbox tells all within twelve seconds.
const QUIET: Duration = Duration::from_secs(8);
/// When to give up.
const PATIENCE: Duration = Duration::from_secs(600);

pub async fn run(api: &Api, uploaded: &Uploaded, form: Form) -> anyhow::Result<Value> {
    let template = template(api).await?;
    let request = json!({
        "name": "Demo",
        "type": ["whatsapp"],
        "uploadId": uploaded.id,
        "templates": {"whatsapp": template},
        "scheduleType": "immediate",
        "targetAudience": "all",
    });
    let created = api.post("/api/campaigns", &request).await.context("creating the campaign")?;
    let id: String = field(&created["campaigns"][0], "id")?;
    say(form, &format!("Started {id} over {}, with {template}.", uploaded.id));
    let end = Instant::now() + PATIENCE;
    let mut settling = Settling { figures: Value::Null, since: Instant::now() };
    let mut said = String::new();
    loop {
        let campaign = api.get(&format!("/api/campaigns/{id}")).await?;
        let analytics = api.get(&format!("/api/campaigns/{id}/analytics")).await?;
        let status: String = field(&campaign, "status")?;
        let metrics = &analytics["metrics"];
        match status.as_str() {
            "completed" if settling.is_final(metrics) => {
                print(metrics, form);
                return Ok(json!({"campaign": campaign, "analytics": analytics}));
            }
            "failed" | "cancelled" | "missed" => bail!("the campaign is {status}"),
            _ => {
                let news = format!("  {status}: {}", line(metrics));
                if news != said {
                    say(form, &news);
                }
                said = news;
            }
        }
        if Instant::now() >= end {
            bail!("the campaign is {status} after {PATIENCE:?}: {}", line(metrics));
        }
        sleep(EVERY).await;
    }
}

async fn template(api: &Api) -> anyhow::Result<String> {
    let listed = api.get("/api/templates?type=whatsapp&active=true").await?;
    field(&listed["templates"][0], "id").context("there is no WhatsApp template: run `renewals seed`")
}

fn count(metrics: &Value, name: &str) -> i64 {
    metrics[name].as_i64().unwrap_or_default()
}

/// Figures of a campaign that is over, and since when they have been the same.
struct Settling {
    figures: Value,
    since: Instant,
}

impl Settling {
    /// Whether nothing more will be heard: of some messages nothing ever is.
    fn is_final(&mut self, figures: &Value) -> bool {
        if self.figures != *figures {
            *self = Self { figures: figures.clone(), since: Instant::now() };
        }
        self.since.elapsed() >= QUIET
    }
}

fn line(metrics: &Value) -> String {
    let parts = ["sent", "delivered", "opened", "failed"].map(|name| format!("{} {name}", count(metrics, name)));
    parts.join(", ")
}

fn print(metrics: &Value, form: Form) {
    let rows: Vec<_> = metrics
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(_, value)| value.is_number())
        .map(|(name, value)| [name.clone(), value.to_string()])
        .collect();
    say(form, &format!("\n{}", output::table(["FIGURE", "VALUE"], &rows)));
}
