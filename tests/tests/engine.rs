//! The campaign engine through the front door: drafts, approval, recipients' own times, tests between variants,
//! recurrence, rehearsals and control.

#[path = "engine/across.rs"]
mod across;
#[path = "engine/approval.rs"]
mod approval;
#[path = "engine/authors.rs"]
mod authors;
#[path = "campaign/book.rs"]
#[expect(dead_code, reason = "the book is shared with other tests, which use more of it")]
mod book;
#[path = "engine/drafts.rs"]
mod drafts;
#[path = "engine/ground.rs"]
mod ground;
#[path = "engine/late.rs"]
mod late;
#[path = "engine/limits.rs"]
mod limits;
#[path = "engine/parts.rs"]
mod parts;
#[path = "engine/pauses.rs"]
mod pauses;
#[path = "engine/recurring.rs"]
mod recurring;
#[path = "engine/rehearsal.rs"]
mod rehearsal;
#[path = "engine/retry.rs"]
mod retry;
#[path = "engine/times.rs"]
mod times;
#[path = "engine/together.rs"]
mod together;
#[path = "engine/transitions.rs"]
mod transitions;
#[path = "engine/trials.rs"]
mod trials;
#[path = "engine/variants.rs"]
mod variants;
#[path = "engine/without_policy.rs"]
mod without_policy;
