//! The matrix: every operation by every role, on rows of one's own and of another branch, held in a snapshot that a
//! person reviews.

use crate::{
    calls::{call, only_looks, operations},
    ground::{Ground, HEAD},
    world::World,
};
use futures_util::{StreamExt, stream};
use std::fmt::Write as _;
use tests::http::{Answer, TestUser};

/// Calls under way at once.
const AT_ONCE: usize = 4;

/// Somebody, with what is theirs.
struct Caller {
    role: &'static str,
    user: TestUser,
    own: World,
}

impl Caller {
    async fn new(ground: &Ground, role: &'static str) -> Self {
        let user = ground.person(role, ground.here).await;
        let own = ground.world(user.id, ground.here).await;
        Self { role, user, own }
    }
}

/// A call that was let in is `ok`, whatever else it was answered.
fn told(answer: &Answer) -> String {
    match answer.status.as_u16() {
        status @ (401 | 403 | 404) => status.to_string(),
        status if status >= 500 => format!("{status}!"),
        _ => "ok".to_owned(),
    }
}

/// One cell: what becomes of one's own, and of another branch's if that is something else.
fn cell(own: String, other: String) -> String {
    if own == other { own } else { format!("{own}/{other}") }
}

async fn line(ground: &Ground, callers: &[Caller], other: &World, operation: &str) -> String {
    let how = |world: &World| {
        call(operation, world).unwrap_or_else(|| panic!("access/calls.rs does not say how {operation} is called"))
    };
    let mut line = format!("{operation:<42}");
    let anonymous = how(other).send(ground, operation, None).await;
    write!(line, " {:<9}", told(&anonymous)).expect("room");
    for caller in callers {
        let (own, other) = if only_looks(operation) {
            let own = how(&caller.own).send(ground, operation, Some(&caller.user)).await;
            (own, how(other).send(ground, operation, Some(&caller.user)).await)
        } else {
            // what a call changes, its caller included, is nobody else's
            let fresh = Caller::new(ground, caller.role).await;
            let own = how(&fresh.own).send(ground, operation, Some(&fresh.user)).await;
            let (user, other) = (ground.person(caller.role, ground.here).await, ground.world_there().await);
            (own, how(&other).send(ground, operation, Some(&user)).await)
        };
        write!(line, " {:<9}", cell(told(&own), told(&other))).expect("room");
    }
    line.trim_end().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_operation_by_every_role() {
    let ground = Ground::new().await;
    let roles = Ground::roles();
    let mut callers = Vec::new();
    for role in &roles {
        callers.push(Caller::new(&ground, role).await);
    }
    let other = ground.world_there().await;
    let operations = operations();
    let lines = stream::iter(&operations).map(|operation| line(&ground, &callers, &other, operation));
    let lines: Vec<String> = lines.buffered(AT_ONCE).collect().await;

    let mut matrix = String::from("own, or own/another branch's where they differ; ok: let in\n\n");
    write!(matrix, "{:<42} {:<9}", "", "anonymous").expect("room");
    for role in &roles {
        let short: String = role.chars().take(9).collect();
        write!(matrix, " {short:<9}").expect("room");
    }
    let text = format!("{}\n{}\n", matrix.trim_end(), lines.join("\n"));
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!("access_matrix", text));
    assert!(!text.contains('!'), "an operation failed:\n{text}");
}

#[tokio::test]
async fn a_call_is_known_for_every_operation_and_no_other() {
    let ground = Ground::new().await;
    let user = ground.person(HEAD, ground.here).await;
    let world = ground.world(user.id, ground.here).await;
    let unknown: Vec<_> = operations().into_iter().filter(|operation| call(operation, &world).is_none()).collect();
    assert_eq!(unknown, Vec::<String>::new(), "access/calls.rs does not say how these are called");
}
