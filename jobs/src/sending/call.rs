//! One call to a provider, with what a message needs from the storage fetched before.
//!
//! What cannot be fetched was not handed over, and may be later.

use super::line::{Line, Written};
use crate::services::Services;
use bytes::BytesMut;
use domain::messaging::{FailureClass, SendFailure};
use futures_util::StreamExt;
use providers::{email::Attachment, messaging::Accepted};

/// The most that goes along with one mail, in bytes: the most that common servers take, less what encoding adds.
const FILES_LIMIT: usize = 18 << 20;

/// Hands a message over; answers it back with what came of it.
pub(super) async fn hand_over(
    services: &Services,
    line: &Line,
    mut message: Written,
) -> (Written, Result<Accepted, SendFailure>) {
    if let Written::Email { message: mail, files } = &mut message {
        let mut left = FILES_LIMIT;
        for file in std::mem::take(files) {
            match fetch(services, &file.key, left).await {
                Ok(content) => {
                    left -= content.len();
                    mail.attachments.push(Attachment {
                        name: file.name,
                        content_type: file.content_type,
                        content: content.freeze(),
                        inline_id: file.inline_id,
                    });
                }
                Err(failure) => return (message, Err(failure)),
            }
        }
    }
    let result = line.send(&message).await;
    (message, result)
}

async fn fetch(services: &Services, key: &str, limit: usize) -> Result<BytesMut, SendFailure> {
    let wait = |error: &dyn std::error::Error| {
        SendFailure::new(FailureClass::Retry { after: None }, Some("storage".into()), &error.to_string())
    };
    let mut content = BytesMut::new();
    let mut reading = services.storage.get_stream(key).await.map_err(|error| wait(&error))?;
    while let Some(piece) = reading.content.next().await {
        let piece = piece.map_err(|error| wait(&error))?;
        if content.len() + piece.len() > limit {
            return Err(SendFailure::new(FailureClass::Request, Some("too_large".into()), "its files are too large"));
        }
        content.extend_from_slice(&piece);
    }
    Ok(content)
}
