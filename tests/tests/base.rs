//! The ground itself: every migration can be redone, and a test's database answers.

use schema::migrate::{Step, pending, run};
use tests::base::Base;

#[tokio::test]
async fn migrations_redo_cleanly() {
    let base = Base::new().await;
    assert_eq!(pending(base.database.url()).await.unwrap(), 0);
    let touched = run(base.database.url(), Step::RedoAll).await.unwrap();
    assert!(touched.len() >= 12 && touched.len().is_multiple_of(2), "{touched:?}");
    assert_eq!(pending(base.database.url()).await.unwrap(), 0);
    base.db().ping().await.unwrap();
}
