//! Seals anew whatever an older key of the ring sealed, page by page.
//!
//! A text that changed meanwhile is left alone: whoever changed it sealed it with the newer key. One that does not open
//! is left as well, counted and logged: its key has left the ring too early, and may be put back. Run again it goes on
//! with what is left.

use super::sealing::{KeyRing, Place, SealError};
use crate::{Decision, JobContext, JobError};
use schema::sealed::{self, COLUMNS, Resealed, SealedColumn, SealedText};
use serde_json::json;

/// Texts sealed anew in one statement.
const PAGE: i64 = 500;

/// Seals everything anew that has to be.
pub async fn run(context: &JobContext) -> Result<Decision, JobError> {
    let ring = &context.services.security.key_ring;
    let (mut done, mut unreadable) = (0, 0);
    for column in COLUMNS {
        let mut after = String::new();
        loop {
            let page = {
                let mut connection = context.services.db.get().await?;
                sealed::outdated(&mut connection, column, ring.current(), &after, PAGE).await?
            };
            let Some(last) = page.last() else { break };
            after = last.place.clone();
            let (new, failed) = reseal(ring, column, &page);
            unreadable += failed;
            let mut connection = context.services.db.get().await?;
            done += sealed::replace(&mut connection, column, &new).await?;
            drop(connection);
            context.report(i64::try_from(done).unwrap_or(i64::MAX), None, column.table.to_owned());
            if context.stopping.is_cancelled() {
                return Ok(Decision::Cancelled);
            }
        }
    }
    Ok(Decision::done_with(&json!({"key": ring.current(), "resealed": done, "unreadable": unreadable})))
}

fn reseal(ring: &KeyRing, column: &SealedColumn, page: &[SealedText]) -> (Vec<Resealed>, usize) {
    let mut new = Vec::with_capacity(page.len());
    for text in page {
        match anew(ring, column, text) {
            Ok(sealed) => new.push(Resealed { place: text.place.clone(), old: text.sealed.clone(), new: sealed }),
            Err(error) => {
                let (table, name) = (column.table, column.column);
                tracing::warn!(table, column = name, row = text.place, %error, "a sealed text does not open");
            }
        }
    }
    let failed = page.len() - new.len();
    (new, failed)
}

fn anew(ring: &KeyRing, column: &SealedColumn, text: &SealedText) -> Result<String, SealError> {
    use secrecy::ExposeSecret;
    let place = Place { table: column.table, column: column.column, row: &text.place };
    let plain = ring.open_bytes(&place, &text.sealed)?;
    ring.seal_bytes(&place, plain.expose_secret())
}
