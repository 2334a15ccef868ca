//! Files for WhatsApp messages: `POST {base}/{version}/{phone number id}/media`, a form whose file is streamed.
//!
//! A file that is uploaded twice does no harm, so a failure of any kind may be tried again by whoever asked.
//! Source: the vendor's API description and media reference.

use super::{WhatsappConfig, refused};
use crate::{
    answers::unreadable,
    http::{self, HttpError, bounded_body, unanswered},
};
use bytes::Bytes;
use domain::messaging::{FailureClass, SendFailure};
use futures_util::stream::BoxStream;
use reqwest::{
    Body, Client, Url,
    multipart::{Form, Part},
};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use std::time::Duration;

/// The longest answer that is read, in bytes.
const ANSWER_LIMIT: usize = 64 * 1024;
/// The longest an upload may take: the largest file over a slow line.
const TIMEOUT: Duration = Duration::from_secs(10 * 60);
/// Bytes in a mebibyte.
const MIB: u64 = 1024 * 1024;

/// The types that the vendor takes, and up to how many bytes of each.
const TYPES: [(&str, u64); 18] = [
    ("image/jpeg", 5 * MIB),
    ("image/png", 5 * MIB),
    ("image/webp", 500 * 1024),
    ("video/mp4", 16 * MIB),
    ("video/3gpp", 16 * MIB),
    ("audio/aac", 16 * MIB),
    ("audio/amr", 16 * MIB),
    ("audio/mpeg", 16 * MIB),
    ("audio/mp4", 16 * MIB),
    ("audio/ogg", 16 * MIB),
    ("application/pdf", 100 * MIB),
    ("text/plain", 100 * MIB),
    ("application/msword", 100 * MIB),
    ("application/vnd.ms-excel", 100 * MIB),
    ("application/vnd.ms-powerpoint", 100 * MIB),
    ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", 100 * MIB),
    ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", 100 * MIB),
    ("application/vnd.openxmlformats-officedocument.presentationml.presentation", 100 * MIB),
];

/// The longest file of any type, in bytes.
pub const LONGEST_MEDIA: u64 = 100 * MIB;

/// The type as the vendor names it, and the longest file of it; `None` for a type that it does not take.
pub fn media_limit(media_type: &str) -> Option<(&'static str, u64)> {
    let named = match media_type {
        "audio/m4a" | "audio/x-m4a" => "audio/mp4",
        "audio/mp3" => "audio/mpeg",
        "audio/opus" => "audio/ogg",
        other => other,
    };
    TYPES.iter().find(|(known, _)| *known == named).copied()
}

/// A file on its way to the vendor.
pub struct MediaFile {
    /// What recipients see of a document.
    pub name: String,
    /// As [`media_limit`] names it.
    pub media_type: &'static str,
    /// Its length in bytes.
    pub size: u64,
    /// What is in it, in order.
    pub content: BoxStream<'static, Result<Bytes, Box<dyn std::error::Error + Send + Sync>>>,
}

/// Where files of one number go.
#[derive(Debug)]
pub struct WhatsappMedia {
    client: Client,
    url: Url,
    token: SecretString,
}

impl WhatsappMedia {
    /// Makes the one client that all uploads of the process share.
    pub fn new(config: &WhatsappConfig) -> Result<Self, HttpError> {
        Ok(Self {
            client: http::client(TIMEOUT, config.is_loopback())?,
            url: config.media_url(),
            token: config.access_token.clone(),
        })
    }

    /// Hands a file over; its id, which messages name for 30 days.
    pub async fn upload(&self, file: MediaFile) -> Result<String, SendFailure> {
        let part = Part::stream_with_length(Body::wrap_stream(file.content), file.size)
            .file_name(plain(&file.name))
            .mime_str(file.media_type)
            .map_err(|error| SendFailure::new(FailureClass::Request, None, &error.to_string()))?;
        let form = Form::new().text("messaging_product", "whatsapp").text("type", file.media_type).part("file", part);
        let call = self.client.post(self.url.clone()).bearer_auth(self.token.expose_secret()).multipart(form);
        let answer = call.send().await.map_err(|error| unanswered(&error))?;
        let (status, after) = (answer.status(), http::retry_after(answer.headers()));
        let body = bounded_body(answer, ANSWER_LIMIT).await.unwrap_or_default();
        if status.is_success() {
            let uploaded = serde_json::from_slice::<Uploaded>(&body).ok().map(|uploaded| uploaded.id);
            return uploaded.filter(|id| (1..=255).contains(&id.len())).ok_or_else(|| unreadable("without an id"));
        }
        Err(refused(status, after, &body))
    }
}

#[derive(Deserialize)]
struct Uploaded {
    id: String,
}

/// A name that stands in a header: without quotes, line breaks and folders, and not endless.
fn plain(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept: String = last.chars().filter(|c| !c.is_control() && *c != '"').take(200).collect();
    if kept.trim().is_empty() { "file".to_owned() } else { kept }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_have_their_limits() {
        assert_eq!(media_limit("image/jpeg"), Some(("image/jpeg", 5 * MIB)));
        assert_eq!(media_limit("audio/m4a"), Some(("audio/mp4", 16 * MIB)));
        assert_eq!(media_limit("image/gif"), None);
        assert!(TYPES.iter().all(|(_, limit)| *limit <= LONGEST_MEDIA));
    }

    #[test]
    fn names_are_those_of_files() {
        assert_eq!(plain("C:\\policies\\May \"1\".pdf"), "May 1.pdf");
        assert_eq!(plain("../../\r\n"), "file");
        assert_eq!(plain("नीति.pdf"), "नीति.pdf");
    }
}
