//! Uploaded books of policies, over HTTP and by the jobs behind it: from the file to the book and back.

#[path = "upload/http_book.rs"]
mod http_book;
#[path = "upload/http_chunked.rs"]
mod http_chunked;
#[path = "upload/http_download.rs"]
mod http_download;
#[path = "upload/http_file.rs"]
mod http_file;
#[path = "upload/http_ground.rs"]
mod http_ground;
#[path = "upload/http_journey.rs"]
mod http_journey;
#[path = "upload/http_mappings.rs"]
mod http_mappings;
#[path = "upload/http_refused.rs"]
mod http_refused;
#[path = "upload/http_status.rs"]
mod http_status;
#[path = "upload/http_undo.rs"]
mod http_undo;
#[path = "upload/jobs_abandoned.rs"]
mod jobs_abandoned;
#[path = "upload/jobs_dry_run.rs"]
mod jobs_dry_run;
#[path = "upload/jobs_findings.rs"]
mod jobs_findings;
#[path = "upload/jobs_ground.rs"]
mod jobs_ground;
#[path = "upload/jobs_hostile.rs"]
mod jobs_hostile;
#[path = "upload/jobs_import.rs"]
mod jobs_import;
#[path = "upload/jobs_resume.rs"]
mod jobs_resume;
#[path = "upload/jobs_undo.rs"]
mod jobs_undo;
