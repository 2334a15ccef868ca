//! The migrations runner: embedded in every program, so a database can be brought up to date by any of them.
//!
//! Only one program migrates at a time (an advisory lock); the others wait. Fails with [`DbError::Migration`].

use crate::{DbError, pool::connect_once};
use diesel::{migration::MigrationSource, pg::Pg};
use diesel_async::{AsyncMigrationHarness, RunQueryDsl};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../migrations");

/// Held while migrating; any constant of our own will do.
const LOCK: i64 = 0x72_656e_6577_616c;

/// What to do with the migrations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Apply all that are pending.
    Up,
    /// Revert the newest.
    Down,
    /// Revert the newest, then apply it again.
    Redo,
    /// Revert all, then apply all.
    RedoAll,
}

/// Runs a step and names the versions touched, in order.
pub async fn run(url: &str, step: Step) -> Result<Vec<String>, DbError> {
    let mut connection = connect_once(url).await?;
    diesel::sql_query("SELECT pg_advisory_lock($1)")
        .bind::<diesel::sql_types::BigInt, _>(LOCK)
        .execute(&mut connection)
        .await?;
    // the harness drives its own runtime, which must not run on an async thread
    let touched = tokio::task::spawn_blocking(move || {
        let mut harness = AsyncMigrationHarness::new(connection);
        let touched = match step {
            Step::Up => names(harness.run_pending_migrations(MIGRATIONS)?),
            Step::Down => vec![harness.revert_last_migration(MIGRATIONS)?.to_string()],
            Step::Redo => {
                let mut last = vec![harness.revert_last_migration(MIGRATIONS)?.to_string()];
                last.extend(names(harness.run_pending_migrations(MIGRATIONS)?));
                last
            }
            Step::RedoAll => {
                let mut all = names(harness.revert_all_migrations(MIGRATIONS)?);
                all.extend(names(harness.run_pending_migrations(MIGRATIONS)?));
                all
            }
        };
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(touched)
    })
    .await
    .map_err(|error| DbError::Migration(error.to_string()))?;
    touched.map_err(|error| DbError::Migration(error.to_string()))
}

/// How many migrations are pending; zero when the database is as this program needs it.
pub async fn pending(url: &str) -> Result<usize, DbError> {
    let connection = connect_once(url).await?;
    tokio::task::spawn_blocking(move || {
        let mut harness = AsyncMigrationHarness::new(connection);
        harness.pending_migrations(MIGRATIONS).map(|all| all.len())
    })
    .await
    .map_err(|error| DbError::Migration(error.to_string()))?
    .map_err(|error| DbError::Migration(error.to_string()))
}

/// A migration that this program knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Its folder's name.
    pub name: String,
    /// Whether the database has it.
    pub applied: bool,
}

/// Every migration, in order.
pub async fn status(url: &str) -> Result<Vec<Known>, DbError> {
    let connection = connect_once(url).await?;
    let found = tokio::task::spawn_blocking(move || {
        let mut harness = AsyncMigrationHarness::new(connection);
        let applied = harness.applied_migrations()?;
        let mut known = MigrationSource::<Pg>::migrations(&MIGRATIONS)?;
        known.sort_by_key(|migration| migration.name().version().as_owned());
        let known = known.iter().map(|migration| Known {
            name: migration.name().to_string(),
            applied: applied.contains(&migration.name().version().as_owned()),
        });
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(known.collect())
    })
    .await
    .map_err(|error| DbError::Migration(error.to_string()))?;
    found.map_err(|error| DbError::Migration(error.to_string()))
}

fn names(versions: Vec<diesel::migration::MigrationVersion<'_>>) -> Vec<String> {
    versions.iter().map(ToString::to_string).collect()
}
