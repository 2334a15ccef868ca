//! `COPY … FROM STDIN BINARY`, encoded without an allocation a row.
//!
//! The format is that of the PostgreSQL manual, "COPY", section "Binary Format": per row a count of fields, per field
//! its length and its value as the type's binary send function writes it. Fails when the server refuses a row.

use crate::DbError;
use bytes::{BufMut, Bytes, BytesMut};
use chrono::{DateTime, Datelike, NaiveDate, Utc};
use deadpool_postgres::Transaction;
use futures_util::SinkExt;
use rust_decimal::Decimal;
use std::pin::Pin;
use tokio_postgres::CopyInSink;

const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";
/// What is sent at a time.
const BUFFER: usize = 64 * 1024;
/// 1 January 2000, PostgreSQL's epoch, as a day of the common era.
const EPOCH_DAY: i32 = 730_120;
/// The same as seconds of the Unix epoch.
const EPOCH_SECOND: i64 = 946_684_800;

/// Rows on their way into a table. Nothing is stored unless [`Copy::finish`] is called.
pub(super) struct Copy {
    sink: Pin<Box<CopyInSink<Bytes>>>,
    rows: Rows,
}

impl Copy {
    /// `target` is a table with its columns, `table (a, b)`; `fields` is their count.
    pub(super) async fn into(transaction: &Transaction<'_>, target: &str, fields: i16) -> Result<Self, DbError> {
        let statement = transaction.prepare_cached(&format!("COPY {target} FROM STDIN BINARY")).await?;
        let sink = Box::pin(transaction.copy_in(&statement).await?);
        Ok(Self { sink, rows: Rows::new(fields) })
    }

    /// Begins a row; all its fields must follow.
    pub(super) async fn row(&mut self) -> Result<&mut Rows, DbError> {
        if self.rows.buffer.len() >= BUFFER {
            self.sink.send(self.rows.buffer.split().freeze()).await?;
            self.rows.buffer.reserve(BUFFER + BUFFER / 8);
        }
        self.rows.begin();
        Ok(&mut self.rows)
    }

    /// Ends the copy and tells how many rows went in.
    pub(super) async fn finish(mut self) -> Result<u64, DbError> {
        self.rows.buffer.put_i16(-1);
        self.sink.send(self.rows.buffer.freeze()).await?;
        Ok(self.sink.as_mut().finish().await?)
    }
}

/// The fields of rows, encoded.
pub(super) struct Rows {
    buffer: BytesMut,
    fields: i16,
}

impl Rows {
    fn new(fields: i16) -> Self {
        let mut buffer = BytesMut::with_capacity(BUFFER + BUFFER / 8);
        buffer.put_slice(SIGNATURE);
        // no flags, no header extension
        buffer.put_i32(0);
        buffer.put_i32(0);
        Self { buffer, fields }
    }

    fn begin(&mut self) {
        self.buffer.put_i16(self.fields);
    }

    pub(super) fn null(&mut self) {
        self.buffer.put_i32(-1);
    }

    pub(super) fn text(&mut self, text: &str) {
        self.length(text.len());
        self.buffer.put_slice(text.as_bytes());
    }

    pub(super) fn int(&mut self, number: i32) {
        self.length(4);
        self.buffer.put_i32(number);
    }

    pub(super) fn bigint(&mut self, number: i64) {
        self.length(8);
        self.buffer.put_i64(number);
    }

    pub(super) fn date(&mut self, date: NaiveDate) {
        self.int(date.num_days_from_ce() - EPOCH_DAY);
    }

    pub(super) fn timestamp(&mut self, at: DateTime<Utc>) {
        self.bigint(at.timestamp_micros() - EPOCH_SECOND * 1_000_000);
    }

    /// A `jsonb` of its first (and only) version.
    pub(super) fn json(&mut self, json: &[u8]) {
        self.length(json.len() + 1);
        self.buffer.put_u8(1);
        self.buffer.put_slice(json);
    }

    /// An amount that fits `NUMERIC(12,2)`.
    pub(super) fn money(&mut self, amount: Decimal) {
        let mut amount = amount;
        amount.rescale(2);
        let cents = amount.mantissa().unsigned_abs();
        // groups of four digits, the last of which are the cents
        let mut groups = [0i16; 9];
        let mut used = 1;
        groups[0] = group(cents % 100) * 100;
        let mut whole = cents / 100;
        while whole > 0 {
            groups[used] = group(whole % 10_000);
            used += 1;
            whole /= 10_000;
        }
        let count = i16::try_from(used).unwrap_or_default();
        self.length(8 + 2 * used);
        self.buffer.put_i16(count);
        // the weight of the first group: zero is the group before the point
        self.buffer.put_i16(count - 2);
        self.buffer.put_u16(if amount.is_sign_negative() { 0x4000 } else { 0 });
        self.buffer.put_i16(2);
        for group in groups[..used].iter().rev() {
            self.buffer.put_i16(*group);
        }
    }

    /// The field, or NULL.
    pub(super) fn some<T>(&mut self, value: Option<T>, put: impl FnOnce(&mut Self, T)) {
        match value {
            Some(value) => put(self, value),
            None => self.null(),
        }
    }

    fn length(&mut self, length: usize) {
        // a field is a cell of a sheet: far below the limit
        self.buffer.put_i32(i32::try_from(length).unwrap_or(i32::MAX));
    }
}

fn group(digits: u128) -> i16 {
    // below 10,000 by its making
    i16::try_from(digits).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;

    /// The bytes of one field, without its length.
    fn field(put: impl FnOnce(&mut Rows)) -> Vec<u8> {
        let mut rows = Rows::new(1);
        rows.buffer.clear();
        put(&mut rows);
        let length = usize::try_from(i32::from_be_bytes(rows.buffer[..4].try_into().unwrap())).unwrap();
        assert_eq!(rows.buffer.len(), 4 + length);
        rows.buffer[4..].to_vec()
    }

    /// What the crate that speaks to PostgreSQL for everyone else writes.
    fn reference<T: postgres_types::ToSql>(value: &T, of: &postgres_types::Type) -> Vec<u8> {
        let mut buffer = BytesMut::new();
        value.to_sql(of, &mut buffer).unwrap();
        buffer.to_vec()
    }

    #[test]
    fn dates_and_times_are_written_as_the_driver_writes_them() {
        for text in ["2000-01-01", "1947-08-15", "2026-02-28", "9999-12-31"] {
            let date: NaiveDate = text.parse().unwrap();
            assert_eq!(field(|rows| rows.date(date)), reference(&date, &postgres_types::Type::DATE), "{text}");
        }
        let at = Utc.with_ymd_and_hms(2026, 2, 28, 23, 59, 59).unwrap();
        assert_eq!(field(|rows| rows.timestamp(at)), reference(&at, &postgres_types::Type::TIMESTAMPTZ));
    }

    #[test]
    fn amounts_can_be_read_back() {
        use postgres_types::FromSql;
        for text in ["0.00", "0.01", "1", "99.99", "9999", "10000", "12345.6", "100000000", "9999999999.99", "-3.50"] {
            let amount: Decimal = text.parse().unwrap();
            let bytes = field(|rows| rows.money(amount));
            let read = Decimal::from_sql(&postgres_types::Type::NUMERIC, &bytes).unwrap();
            assert_eq!(read, amount, "{text}");
        }
    }

    #[test]
    fn nothing_is_null() {
        let mut rows = Rows::new(1);
        rows.buffer.clear();
        rows.some(None, Rows::text);
        rows.some(Some("é"), Rows::text);
        assert_eq!(rows.buffer.as_ref(), [&[0xff; 4][..], &[0, 0, 0, 2], "é".as_bytes()].concat());
    }
}
