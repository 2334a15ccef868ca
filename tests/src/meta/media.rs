//! Files: `POST /v23.0/{phone number id}/media`, a form with the product, the type and the file.

use super::{ACCESS_TOKEN, Behaviour, PHONE_NUMBER_ID, Record, http::Request, server::error};
use serde_json::{Value, json};

/// Whether a call is an upload.
pub(super) fn is_upload(request: &Request) -> bool {
    let mut parts = request.path.trim_start_matches('/').split('/');
    let version = parts.next().unwrap_or_default();
    request.method == "POST" && version.starts_with('v') && parts.eq([PHONE_NUMBER_ID, "media"])
}

/// Takes a file, or says what is wrong with the form.
pub(super) fn take(behaviour: &Behaviour, record: &Record, request: &Request) -> (u16, Value) {
    if behaviour.token_expired || request.authorization != format!("Bearer {ACCESS_TOKEN}") {
        return (401, error(190, "Error validating access token: Session has expired"));
    }
    if behaviour.happens("server error", "media", behaviour.server_errors) {
        return (500, error(131_000, "Something went wrong."));
    }
    match file_of(request) {
        Ok((what, length)) => {
            let number = record.note_upload(what, length);
            (200, json!({"id": format!("44907093273{number:05}")}))
        }
        Err(against) => {
            record.note_violations(std::slice::from_ref(&against));
            (400, error(100, &against))
        }
    }
}

/// The name and the type of the file, and its length.
fn file_of(request: &Request) -> Result<(String, usize), String> {
    let boundary =
        request.content_type.strip_prefix("multipart/form-data; boundary=").ok_or("not a form with files")?;
    let boundary = format!("--{}", boundary.trim_matches('"')).into_bytes();
    let mut file = None;
    let (mut product, mut kind) = (String::new(), String::new());
    for part in split(&request.body, &boundary) {
        let Some(end) = part.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let (head, content) =
            (String::from_utf8_lossy(&part[..end]).into_owned(), &part[end + 4..part.len().saturating_sub(2)]);
        let named = |name: &str| head.contains(&format!("name=\"{name}\""));
        if named("messaging_product") {
            product = String::from_utf8_lossy(content).into_owned();
        } else if named("type") {
            kind = String::from_utf8_lossy(content).into_owned();
        } else if named("file") {
            let name = head.split("filename=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
            let typed = head.to_ascii_lowercase().split("content-type: ").nth(1).map(|kind| kind.trim().to_owned());
            file = Some((name.to_owned(), typed.unwrap_or_default(), content.len()));
        } else {
            return Err(format!("a part that is not described: {head}"));
        }
    }
    let (name, typed, length) = file.ok_or("file: missing")?;
    if product != "whatsapp" {
        return Err("messaging_product: must be whatsapp".to_owned());
    }
    if name.is_empty() || kind.is_empty() || typed != kind || length == 0 {
        return Err("file: without a name, a type or content".to_owned());
    }
    Ok((format!("{name} {kind}"), length))
}

fn split<'a>(body: &'a [u8], boundary: &[u8]) -> Vec<&'a [u8]> {
    let at: Vec<usize> =
        body.windows(boundary.len()).enumerate().filter(|(_, window)| *window == boundary).map(|(at, _)| at).collect();
    at.windows(2).map(|pair| &body[pair[0] + boundary.len()..pair[1]]).collect()
}
