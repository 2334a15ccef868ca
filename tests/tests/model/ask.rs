//! What people ask of campaigns: the answers have to be those of the model.

use crate::{
    machine::{Ask, State, asked},
    watch::Way,
    world::{About, Closed, World},
};
use serde_json::{Value, json};
use tests::http::Answer;

impl World {
    /// Asks, and holds the answer against the model.
    pub async fn ask(&mut self, place: usize, asks: &[Ask]) {
        self.follow(&[]).await;
        let (now, before) = (self.ground.now(), self.campaigns[place].state);
        let number = self.campaigns[place].number;
        if asks.contains(&Ask::Go) {
            self.reopen(number).await;
        }
        let path = format!("{}/status", self.campaigns[place].path());
        let bodies: Vec<Value> = asks.iter().map(|ask| json!({"status": ask.name()})).collect();
        let ground = &self.ground;
        let answers = futures_util::future::join_all(bodies.iter().map(|body| ground.put(&path, body))).await;
        let closed_at = self.just_now().await;
        let is_in_time = self.is_in_time(number, now).await;
        let allowed: Vec<(Ask, bool)> = asks.iter().map(|ask| (*ask, is_in_time)).collect();
        let way = self.follow(&allowed).await.remove(&number).unwrap_or_default();
        self.story.tell(format!(
            "{} campaign {number} ({before:?}): {:?}, {:?}",
            self.ground.now(),
            asks,
            answers.iter().map(|answer| answer.status.as_u16()).collect::<Vec<_>>()
        ));
        for (ask, answer) in asks.iter().zip(&answers) {
            judge((before, &way), (*ask, is_in_time), answer);
        }
        // of two at once the last word is what the campaign ended at
        let last = self.campaigns[place].state;
        for (ask, answer) in asks.iter().zip(&answers) {
            let holds = matches!((ask, last), (Ask::Pause, State::Paused) | (Ask::Stop, State::Cancelled));
            if answer.status.is_success() && holds {
                let why = if *ask == Ask::Stop { "stopped" } else { "paused" };
                self.closed.push(Closed { about: About::Campaign(number), why, from: closed_at, until: None });
            }
        }
    }

    /// A pause ends with whoever asks for the contrary.
    pub async fn reopen(&mut self, number: i64) {
        let now = self.just_now().await;
        for closed in &mut self.closed {
            if closed.about == About::Campaign(number) && closed.why == "paused" {
                closed.until.get_or_insert(now);
            }
        }
    }

    async fn is_in_time(&self, number: i64, now: chrono::DateTime<chrono::Utc>) -> bool {
        let query =
            format!("SELECT COALESCE(scheduled_at > '{}', FALSE) FROM campaigns WHERE id = {number}", now.to_rfc3339());
        self.ground.rows(&query).await[0].get(0)
    }
}

/// An answer is right if the campaign stood somewhere on its way where the model gives it.
fn judge((before, way): (State, &Way), (ask, is_in_time): (Ask, bool), answer: &Answer) {
    let stood: Vec<State> = std::iter::once(before).chain(way.iter().map(|(_, new)| *new)).collect();
    let body = answer.json();
    match answer.status.as_u16() {
        200 => {
            let to = State::named(body["data"]["status"].as_str().unwrap());
            let fits =
                |from: &State| asked(*from, ask, is_in_time) == Some(to) && (*from == to || way.contains(&(*from, to)));
            assert!(stood.iter().any(fits), "{ask:?} answered {to:?}; it stood {stood:?}");
        }
        409 => {
            let error = &body["error"];
            assert_eq!(error["code"], "illegal_transition", "{error}");
            let from = State::named(error["details"]["from"].as_str().unwrap());
            assert!(stood.contains(&from), "{ask:?} was refused for {from:?}; it stood {stood:?}");
            assert_eq!(asked(from, ask, is_in_time), None, "{ask:?} was refused a {from:?} campaign");
            let possible: Vec<&str> =
                Ask::ALL.iter().filter(|ask| asked(from, **ask, is_in_time).is_some()).map(|ask| ask.name()).collect();
            let mut told: Vec<&str> =
                error["details"]["allowed"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
            told.sort_by_key(|name| Ask::ALL.iter().position(|ask| ask.name() == *name));
            assert_eq!(told, possible, "what a {from:?} campaign can become");
        }
        other => panic!("{ask:?} was answered {other}: {body}"),
    }
}
