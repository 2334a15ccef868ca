//! The migrations: they make what the code believes, they revert to nothing, and they apply again to the same.

use schema::migrate::{self, Step};
use tests::{
    base::Base,
    diesel_schema::{connect, generate},
};
use tokio_postgres::Client;

/// Everything the migrations make, one line each.
const OBJECTS: &str = "\
    SELECT 'column ' || c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || ' ' || \
           a.attnotnull || ' ' || coalesce(pg_get_expr(d.adbin, d.adrelid), '') \
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum \
    WHERE c.relnamespace = 'public'::REGNAMESPACE AND c.relkind IN ('r', 'p', 'v') AND c.relname NOT LIKE '\\_\\_diesel%' \
    UNION ALL SELECT 'index ' || indexdef FROM pg_indexes \
    WHERE schemaname = 'public' AND tablename NOT LIKE '\\_\\_diesel%' \
    UNION ALL SELECT 'constraint ' || conrelid::REGCLASS || ' ' || conname || ' ' || pg_get_constraintdef(oid) \
    FROM pg_constraint WHERE connamespace = 'public'::REGNAMESPACE AND conrelid <> 0 \
      AND conrelid::REGCLASS::TEXT NOT LIKE '\\_\\_diesel%' \
    UNION ALL SELECT 'view ' || viewname || ' ' || definition FROM pg_views WHERE schemaname = 'public' \
    UNION ALL SELECT 'sequence ' || sequencename FROM pg_sequences WHERE schemaname = 'public' \
    UNION ALL SELECT 'function ' || oid::REGPROCEDURE FROM pg_proc WHERE pronamespace = 'public'::REGNAMESPACE \
    UNION ALL SELECT 'type ' || typname FROM pg_type \
    WHERE typnamespace = 'public'::REGNAMESPACE AND typtype IN ('e', 'd') \
    ORDER BY 1";

async fn objects(client: &Client) -> Vec<String> {
    client.query(OBJECTS, &[]).await.expect("the catalog").iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn the_tables_are_as_the_code_has_them() {
    let base = Base::new().await;
    let expected = generate(&connect(base.database.url()).await).await;
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../schema/src/tables.rs");
    let committed = std::fs::read_to_string(path).expect("the file");
    if committed.trim_end() != expected.trim_end() {
        let right = concat!(env!("CARGO_TARGET_TMPDIR"), "/tables.rs");
        std::fs::write(right, &expected).expect("a file");
        panic!("schema/src/tables.rs is not as the migrations make it; see diff {path} {right}");
    }
}

#[tokio::test]
async fn they_revert_to_nothing_and_apply_again_to_the_same() {
    let base = Base::new().await;
    let url = base.database.url();
    let client = connect(url).await;
    let before = objects(&client).await;
    assert!(before.iter().any(|object| object.starts_with("index ")), "{before:?}");
    let all = migrate::status(url).await.expect("a status");
    assert!(!all.is_empty() && all.iter().all(|known| known.applied), "{all:?}");
    for left in (0..all.len()).rev() {
        migrate::run(url, Step::Down).await.expect("a way back");
        assert_eq!(migrate::pending(url).await.expect("a count"), all.len() - left);
    }
    assert_eq!(objects(&client).await, Vec::<String>::new());
    let applied = migrate::run(url, Step::Up).await.expect("the way up");
    assert_eq!(applied.len(), all.len());
    assert_eq!(objects(&client).await, before);
    assert_eq!(migrate::run(url, Step::Up).await.expect("nothing to do"), Vec::<String>::new());
}

#[tokio::test]
async fn each_can_be_redone_and_so_can_all() {
    let base = Base::new().await;
    let url = base.database.url();
    let client = connect(url).await;
    let before = objects(&client).await;
    let last = migrate::run(url, Step::Redo).await.expect("redone");
    assert!(last.len() == 2 && last[0] == last[1], "{last:?}");
    assert_eq!(objects(&client).await, before);
    migrate::run(url, Step::RedoAll).await.expect("all redone");
    assert_eq!(objects(&client).await, before);
}

#[tokio::test]
async fn several_programs_may_migrate_at_once() {
    let base = Base::new().await;
    let url = base.database.url();
    while migrate::status(url).await.expect("a status").iter().any(|known| known.applied) {
        migrate::run(url, Step::Down).await.expect("a way back");
    }
    let run = || migrate::run(url, Step::Up);
    let (a, b, c) = tokio::join!(run(), run(), run());
    let counts = [a, b, c].map(|applied| applied.expect("the way up").len());
    assert_eq!(counts.iter().filter(|count| **count > 0).count(), 1, "{counts:?}");
}
