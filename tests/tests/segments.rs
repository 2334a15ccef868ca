//! Segments: filters that mean the same in the database and in memory, saved segments, holdouts, groupings.

#[path = "segments/agreement.rs"]
mod agreement;
#[path = "segments/chance.rs"]
mod chance;
#[path = "segments/filters.rs"]
mod filters;
#[path = "segments/groupings.rs"]
mod groupings;
#[path = "segments/http.rs"]
mod http;
#[path = "segments/http_members.rs"]
mod http_members;
#[path = "segments/plans.rs"]
mod plans;
#[path = "segments/world.rs"]
mod world;
#[path = "segments/write.rs"]
mod write;
