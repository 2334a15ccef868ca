//! Uploads that are never completed do not stay for ever.

use super::jobs_ground::Ground;
use domain::ids::UploadId;
use jobs::kinds::drop_abandoned_uploads::DropAbandonedUploads;
use jobs::queue::admin::JobState;
use schema::uploads::chunked::{self, Piece};
use schema::uploads::file::{self, NewUpload};

async fn begin(ground: &Ground, name: &str, hours_ago: i32) -> (UploadId, Vec<String>) {
    let mut connection = ground.services.db.get().await.unwrap();
    let upload = NewUpload {
        filename: name,
        original_filename: name,
        file_size: 100,
        file_type: "csv",
        sha256: None,
        description: None,
        upload_status: "receiving",
        dry_run: false,
        options: None,
        uploaded_by: None,
        branch_id: None,
        scope: "all",
        upload_path: None,
        job_id: None,
    };
    let id = file::insert(&mut connection, &upload).await.unwrap();
    let mut paths = Vec::new();
    for offset in [0, 5] {
        let path = format!("uploads/pieces/{name}-{offset}");
        ground.store(&path, b"piece").await;
        let piece = Piece { chunk_offset: offset, size: 5, path: path.clone() };
        chunked::add_piece(&mut connection, id, &piece).await.unwrap();
        paths.push(path);
    }
    let age = "UPDATE file_uploads SET created_at = now() - make_interval(hours => $2) WHERE id = $1";
    ground.sql.execute(age, &[&id.0, &hours_ago]).await.unwrap();
    (id, paths)
}

#[tokio::test]
async fn an_upload_not_completed_within_a_day_is_ended_and_its_pieces_deleted() {
    let ground = Ground::new().await;
    let (old, old_paths) = begin(&ground, "old", 25).await;
    let (young, young_paths) = begin(&ground, "young", 23).await;
    let job = ground.run(&DropAbandonedUploads {}).await;
    assert_eq!(job.state, JobState::Succeeded);
    assert_eq!(job.result.unwrap(), serde_json::json!({"uploads": 1, "pieces": 2}));
    let ended = ground.upload(old).await;
    assert_eq!((ended.status.as_str(), &ended.error_details.unwrap()["code"]), ("cancelled", &"abandoned".into()));
    assert_eq!(ground.upload(young).await.status, "receiving");
    for (paths, there) in [(old_paths, false), (young_paths, true)] {
        for path in paths {
            assert_eq!(ground.services.storage.exists(&path).await.unwrap(), there, "{path}");
        }
    }
    assert_eq!(ground.count("SELECT count(*) FROM upload_chunks WHERE upload_id = $1", &[&old.0]).await, 0);
    assert_eq!(ground.count("SELECT count(*) FROM upload_chunks WHERE upload_id = $1", &[&young.0]).await, 2);
}
