//! Where secrets are kept sealed: one line a column. What is said here is found by whoever seals anew, and counted by
//! key.
//!
//! A text is bound to its row by what `row` tells, which is what it was sealed for.

use crate::DbError;
use diesel::{
    QueryableByName,
    sql_types::{Array, BigInt, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

/// A column of sealed texts. Its parts are our own words, never anybody's input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealedColumn {
    /// The table.
    pub table: &'static str,
    /// The column.
    pub column: &'static str,
    /// What its rows are known by when they are sealed, as SQL.
    row: &'static str,
}

/// Every sealed column.
pub const COLUMNS: &[SealedColumn] = &[
    SealedColumn { table: "users", column: "mfa_secret", row: "id::TEXT" },
    SealedColumn { table: "token_keys", column: "private_key", row: "id::TEXT" },
    SealedColumn { table: "oidc_logins", column: "verifier", row: "encode(state_hash, 'hex')" },
];

/// A sealed text in its row.
#[derive(Debug, Clone, QueryableByName)]
pub struct SealedText {
    /// What the row is known by.
    #[diesel(sql_type = Text)]
    pub place: String,
    /// The text.
    #[diesel(sql_type = Text)]
    pub sealed: String,
}

/// A text that was sealed anew.
#[derive(Debug, Clone)]
pub struct Resealed {
    /// What the row is known by.
    pub place: String,
    /// What it was.
    pub old: String,
    /// What it shall be.
    pub new: String,
}

/// How many texts a key sealed.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct KeyUse {
    /// The key's id.
    #[diesel(sql_type = Text)]
    pub key: String,
    /// Texts.
    #[diesel(sql_type = BigInt)]
    pub texts: i64,
}

/// Texts that another key than `current` sealed, in the order of their rows, behind the row `after`.
pub async fn outdated(
    connection: &mut AsyncPgConnection,
    at: &SealedColumn,
    current: &str,
    after: &str,
    limit: i64,
) -> Result<Vec<SealedText>, DbError> {
    let SealedColumn { table, column, row } = at;
    let query = format!(
        "SELECT place, sealed FROM (SELECT {row} AS place, {column} AS sealed FROM {table}) kept \
         WHERE sealed IS NOT NULL AND split_part(sealed, '.', 2) <> $1 AND place COLLATE \"C\" > $2 \
         ORDER BY place COLLATE \"C\" LIMIT $3"
    );
    let query = diesel::sql_query(query).bind::<Text, _>(current).bind::<Text, _>(after).bind::<BigInt, _>(limit);
    Ok(query.load(connection).await?)
}

/// Puts the new texts where the old ones still are; answers how many.
pub async fn replace(
    connection: &mut AsyncPgConnection,
    at: &SealedColumn,
    texts: &[Resealed],
) -> Result<usize, DbError> {
    if texts.is_empty() {
        return Ok(0);
    }
    let SealedColumn { table, column, row } = at;
    let query = format!(
        "UPDATE {table} SET {column} = renewed.new \
         FROM unnest($1, $2, $3) AS renewed (place, old, new) WHERE {row} = renewed.place AND {column} = renewed.old"
    );
    let parts = |part: fn(&Resealed) -> &str| texts.iter().map(part).collect::<Vec<_>>();
    let query = diesel::sql_query(query)
        .bind::<Array<Text>, _>(parts(|text| &text.place))
        .bind::<Array<Text>, _>(parts(|text| &text.old))
        .bind::<Array<Text>, _>(parts(|text| &text.new));
    Ok(query.execute(connection).await?)
}

/// How many texts each key sealed, over all columns, by key.
pub async fn uses(connection: &mut AsyncPgConnection) -> Result<Vec<KeyUse>, DbError> {
    let kept = COLUMNS.iter().map(|at| format!("SELECT {} AS sealed FROM {}", at.column, at.table));
    let kept = kept.collect::<Vec<_>>().join(" UNION ALL ");
    let query = format!(
        "SELECT split_part(sealed, '.', 2) AS key, count(*) AS texts FROM ({kept}) kept \
         WHERE sealed IS NOT NULL GROUP BY 1 ORDER BY 1"
    );
    Ok(diesel::sql_query(query).load(connection).await?)
}
