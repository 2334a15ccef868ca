//! What PostgreSQL does with the same rows when nothing is checked: COPY into the same tables, with the same indexes.

use crate::book;
use chrono::NaiveDate;
use futures_util::SinkExt;
use std::fmt::Write;
use std::pin::pin;
use std::time::{Duration, Instant};
use tokio_postgres::Client;

/// Rows of one buffer.
const CHUNK: usize = 5_000;

/// Copies customers, policies and cases, in one transaction; the time it took, without making the rows.
pub async fn raw(client: &Client, rows: usize, today: NaiveDate) -> anyhow::Result<Duration> {
    let mut text = [String::new(), String::new(), String::new()];
    for number in 0..rows {
        let [code, first, last, email, phone, policy, kind, premium, start, end] = book::row(number, today);
        let id = number + 1;
        writeln!(text[0], "{id}\t{code}\t{first}\t{last}\t{email}\t{phone}")?;
        writeln!(text[1], "{id}\t{policy}\t{id}\t{kind}\t{premium}\t{start}\t{end}")?;
        writeln!(text[2], "{id}\t{end}\t{premium}")?;
    }
    let begun = Instant::now();
    client.batch_execute("BEGIN").await?;
    let targets = [
        "customers (id, customer_code, first_name, last_name, email, phone)",
        "policies (id, policy_number, customer_id, policy_type, premium_amount, start_date, end_date)",
        "renewal_cases (policy_id, term_end, renewal_amount)",
    ];
    for (target, text) in targets.iter().zip(text) {
        let mut sink = pin!(client.copy_in(&format!("COPY {target} FROM STDIN")).await?);
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        for chunk in lines.chunks(CHUNK) {
            sink.send(std::io::Cursor::new(chunk.concat().into_bytes())).await?;
        }
        sink.finish().await?;
    }
    client.batch_execute("COMMIT").await?;
    Ok(begun.elapsed())
}
