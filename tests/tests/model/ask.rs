//! What people ask of campaigns: the answers have to be those of the model.

use crate::{
    machine::{Ask, Known, State, asked, judged},
    watch::Way,
    world::{About, Closed, World},
};
use chrono::{DateTime, Utc};
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
        let known = self.known(number, now).await;
        let allowed: Vec<(Ask, Known)> = asks.iter().map(|ask| (*ask, known)).collect();
        let way = self.follow(&allowed).await.remove(&number).unwrap_or_default();
        self.story.tell(format!(
            "{} campaign {number} ({before:?}): {:?}, {:?}",
            self.ground.now(),
            asks,
            answers.iter().map(|answer| answer.status.as_u16()).collect::<Vec<_>>()
        ));
        for (ask, answer) in asks.iter().zip(&answers) {
            judge((before, &way), (*ask, known), answer);
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

    pub async fn known(&self, number: i64, now: DateTime<Utc>) -> Known {
        let query = format!(
            "SELECT COALESCE(scheduled_at > '{now}', FALSE), audience_ready, mode = 'recurring', \
                COALESCE(scheduled_at <= '{now}' AND latest_start < '{now}', FALSE) \
             FROM campaigns WHERE id = {number}",
            now = now.to_rfc3339()
        );
        let row = self.ground.rows(&query).await.remove(0);
        Known { in_time: row.get(0), written: row.get(1), repeats: row.get(2), late: row.get(3) }
    }

    /// A second person gives their word, asked for or not; now and then its author tries to.
    pub async fn give_word(&mut self, place: usize, approved: bool) {
        self.follow(&[]).await;
        let (now, before, number) = (self.ground.now(), self.campaigns[place].state, self.campaigns[place].number);
        let path = format!("{}/approval", self.campaigns[place].path());
        let body = json!({"approved": approved});
        if self.chance.one_in(3) {
            let refused = self.ground.post(&path, &body).await;
            assert!(matches!(refused.status.as_u16(), 403 | 409), "its author was answered {refused:?}");
        }
        let known = self.known(number, now).await;
        if approved {
            self.reopen(number).await;
        }
        let answer = self.ground.post_as_second(&path, &body).await;
        let status = answer.status.as_u16();
        self.story.tell(format!("{now} campaign {number} ({before:?}): approved {approved}, {status}"));
        let to = judged(approved, known);
        let way = self.follow_with(&[], &[(State::Awaiting, to)]).await.remove(&number).unwrap_or_default();
        if status == 200 {
            assert!(way.contains(&(State::Awaiting, to)), "it stood {before:?} and went {way:?}");
            self.campaigns[place].is_approved |= approved;
        } else {
            answer.error(409, "not_awaiting_approval");
            assert_ne!(before, State::Awaiting);
        }
    }
}

/// An answer is right if the campaign stood somewhere on its way where the model gives it.
fn judge((before, way): (State, &Way), (ask, known): (Ask, Known), answer: &Answer) {
    let stood: Vec<State> = std::iter::once(before).chain(way.iter().map(|(_, new)| *new)).collect();
    let body = answer.json();
    match answer.status.as_u16() {
        200 => {
            let to = State::named(body["data"]["status"].as_str().unwrap());
            let fits =
                |from: &State| asked(*from, ask, known).contains(&to) && (*from == to || way.contains(&(*from, to)));
            assert!(stood.iter().any(fits), "{ask:?} answered {to:?}; it stood {stood:?}");
        }
        409 => {
            let error = &body["error"];
            assert_eq!(error["code"], "illegal_transition", "{error}");
            let from = State::named(error["details"]["from"].as_str().unwrap());
            assert!(stood.contains(&from), "{ask:?} was refused for {from:?}; it stood {stood:?}");
            assert_eq!(asked(from, ask, known), &[], "{ask:?} was refused a {from:?} campaign");
            let possible: Vec<&str> =
                Ask::ALL.iter().filter(|ask| !asked(from, **ask, known).is_empty()).map(|ask| ask.name()).collect();
            let mut told: Vec<&str> =
                error["details"]["allowed"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
            told.sort_by_key(|name| Ask::ALL.iter().position(|ask| ask.name() == *name));
            assert_eq!(told, possible, "what a {from:?} campaign can become");
        }
        other => panic!("{ask:?} was answered {other}: {body}"),
    }
}
