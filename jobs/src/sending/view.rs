//! A mail as its recipient got it, for a page: written again from what the message is pinned to.

use super::{line::Written, work::letters};
use crate::Services;
use domain::{ids::MessageId, local_day::local_day, messaging::Channel};
use schema::{DbError, messages, template_versions};

/// A mail's page, as the recipient's program would show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// HTML, as the template's author wrote it.
    pub html: String,
}

/// The mail; `None`: there is none, it is no mail, or it cannot be written any more.
pub async fn view(services: &Services, id: MessageId) -> Result<Option<View>, DbError> {
    let mut connection = services.db.get().await?;
    let Some(mut found) = messages::one(&mut connection, id.0).await? else { return Ok(None) };
    if found.text.channel()? != Channel::Email {
        return Ok(None);
    }
    let versions = template_versions::of_message(&mut connection, id.0).await?;
    drop(connection);
    let now = services.clock.now();
    let day = local_day(found.sent_at.unwrap_or(now), None);
    let written = letters(services, Channel::Email, versions, day)
        .map_err(|error| tracing::warn!(error = &error as &dyn std::error::Error, "a mail cannot be shown again"))
        .ok()
        .and_then(|letters| letters.write(&mut found.text, now).ok());
    Ok(match written {
        Some(Written::Email { message, .. }) => Some(View { html: message.html }),
        _ => None,
    })
}
