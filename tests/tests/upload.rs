//! Uploaded books of policies, from the file to the book and back.

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
