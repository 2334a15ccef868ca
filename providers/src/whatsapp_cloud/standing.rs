//! What the vendor thinks of a number: `GET {base}/{version}/{phone number id}?fields=…`.
//!
//! A judgement or a tier that this version does not know is left out, and what is known stays.

use super::{ANSWER_LIMIT, WhatsappCloud, refused};
use crate::{
    answers::unreadable,
    http::{self, bounded_body, unanswered},
    messaging::Standing,
};
use domain::messaging::{SendFailure, quality::daily_recipients};
use secrecy::ExposeSecret;
use serde::Deserialize;

/// What is asked for.
const FIELDS: &str = "quality_rating,messaging_limit_tier";

#[derive(Debug, Deserialize)]
struct Number {
    quality_rating: Option<String>,
    messaging_limit_tier: Option<String>,
}

impl WhatsappCloud {
    pub(super) async fn ask_standing(&self) -> Result<Standing, SendFailure> {
        let call = self.client.get(self.number.clone()).query(&[("fields", FIELDS)]);
        let answer = call.bearer_auth(self.token.expose_secret()).send().await;
        let answer = answer.map_err(|error| unanswered(&error))?;
        let (status, after) = (answer.status(), http::retry_after(answer.headers()));
        let body = bounded_body(answer, ANSWER_LIMIT).await;
        if !status.is_success() {
            return Err(refused(status, after, &body.unwrap_or_default()));
        }
        let body = body.map_err(|error| unreadable(&error.to_string()))?;
        let number: Number = serde_json::from_slice(&body).map_err(|error| unreadable(&error.to_string()))?;
        Ok(Standing {
            quality: number.quality_rating.and_then(|quality| quality.parse().ok()),
            daily_recipients: number.messaging_limit_tier.as_deref().and_then(daily_recipients),
        })
    }
}
