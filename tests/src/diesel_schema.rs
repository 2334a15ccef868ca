//! The text of `schema/src/tables.rs` as a migrated database would have it.
//!
//! Panics on a column type it has no Diesel name for: add it here, and to `schema/`.

use std::fmt::Write as _;
use tokio_postgres::{Client, NoTls};

const HEADER: &str = "\
//! The tables as Diesel sees them, generated from a migrated database; a test holds this file against one.
//!
//! Only tables that are joined are allowed in one query: listing all of them makes compile time quadratic.
";

/// Columns of tables and views in order, with their place in the primary key.
const COLUMNS: &str = "\
    SELECT c.relname::TEXT, a.attname::TEXT, format_type(a.atttypid, -1), a.attnotnull, c.relkind = 'v', \
           array_position(i.indkey::INT[], a.attnum::INT) \
    FROM pg_class c \
    JOIN pg_attribute a ON a.attrelid = c.oid \
    LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary \
    WHERE c.relnamespace = 'public'::REGNAMESPACE AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition \
      AND c.relname <> '__diesel_schema_migrations' AND a.attnum > 0 AND NOT a.attisdropped \
    ORDER BY c.relname COLLATE \"C\", a.attnum";

struct Column {
    name: String,
    sql_type: String,
    nullable: bool,
    key: Option<i32>,
}

/// A connection outside all pools, driven by a task.
pub async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("a connection");
    tokio::spawn(connection);
    client
}

/// The whole file.
pub async fn generate(client: &Client) -> String {
    let mut tables: Vec<(String, Vec<Column>)> = Vec::new();
    for row in client.query(COLUMNS, &[]).await.expect("the catalog") {
        let (table, name, view): (String, String, bool) = (row.get(0), row.get(1), row.get(4));
        let not_null = if view { name == "id" } else { row.get(3) };
        let column = Column { sql_type: row.get(2), nullable: !not_null, key: row.get(5), name };
        match tables.last_mut() {
            Some((last, columns)) if *last == table => columns.push(column),
            _ => tables.push((table, vec![column])),
        }
    }
    let mut text = HEADER.to_owned();
    for (table, columns) in &tables {
        render(&mut text, table, columns).expect("text");
    }
    text
}

fn render(text: &mut String, table: &str, columns: &[Column]) -> std::fmt::Result {
    let mut keys: Vec<_> = columns.iter().filter(|column| column.key.is_some()).collect();
    keys.sort_by_key(|column| column.key);
    let keys: Vec<_> = keys.iter().map(|column| column.name.as_str()).collect();
    // a view is found by the id it shows
    let keys = if keys.is_empty() { "id".to_owned() } else { keys.join(", ") };
    writeln!(text, "\ndiesel::table! {{\n    {table} ({keys}) {{")?;
    for Column { name, sql_type, nullable, .. } in columns {
        let mut diesel = diesel_type(sql_type).to_owned();
        if *nullable {
            diesel = format!("Nullable<{diesel}>");
        }
        if name == "type" {
            writeln!(text, "        #[sql_name = \"type\"]\n        type_ -> {diesel},")?;
        } else {
            writeln!(text, "        {name} -> {diesel},")?;
        }
    }
    writeln!(text, "    }}\n}}")
}

fn diesel_type(sql: &str) -> &'static str {
    match sql {
        "bigint" => "BigInt",
        "integer" => "Integer",
        "smallint" => "SmallInt",
        "character varying" => "Varchar",
        "text" => "Text",
        "jsonb" => "Jsonb",
        "timestamp with time zone" => "Timestamptz",
        "date" => "Date",
        "interval" => "Interval",
        "time without time zone" => "Time",
        "boolean" => "Bool",
        "uuid" => "Uuid",
        "numeric" => "Numeric",
        "inet" => "Inet",
        "bytea" => "Bytea",
        "text[]" => "Array<Nullable<Text>>",
        "bigint[]" => "Array<Nullable<BigInt>>",
        other => panic!("no Diesel type for {other}"),
    }
}
