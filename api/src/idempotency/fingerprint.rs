//! What makes two requests the same: what their caller may do and sees, method, path, query and body.
//!
//! A body that is not JSON may be a file of any length and is not read here: its type and length stand for it.

use crate::{auth::Principal, request::is_json};
use domain::permissions::Permission;
use poem::{Body, Request, Result, http::header};
use sha2::{Digest, Sha256};

/// The fingerprint, in hexadecimal. A JSON body is read, within its limit, and put back.
pub async fn of(request: &mut Request, caller: &Principal) -> Result<String> {
    let mut hash = Sha256::new();
    let mut part = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    };
    let permissions: Vec<&str> = caller.permissions.iter().map(Permission::as_str).collect();
    part(format!("{:?} {}", caller.reach, permissions.join(" ")).as_bytes());
    part(request.method().as_str().as_bytes());
    part(request.uri().path().as_bytes());
    part(request.uri().query().unwrap_or_default().as_bytes());
    let content_type = request.content_type().unwrap_or_default().to_owned();
    if content_type.is_empty() || is_json(&content_type) {
        let body = request.take_body().into_bytes().await?;
        part(&body);
        request.set_body(Body::from_bytes(body));
    } else {
        // without the boundary, which differs from one attempt to the next
        part(content_type.split(';').next().unwrap_or_default().as_bytes());
        part(request.header(header::CONTENT_LENGTH).unwrap_or("unknown").as_bytes());
    }
    Ok(hex::encode(hash.finalize()))
}
