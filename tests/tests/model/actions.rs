//! Everything that is done in a world besides asking: by people, by fate, by the machine.

use crate::{
    machine::{Ask, State},
    peers::Mood,
    terms::{CHANNELS, Terms},
    world::{About, Campaign, Closed, World},
};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use std::{collections::BTreeSet, time::Duration};
use tests::wait::until_some;
use tokio::time::Instant;

/// Work that is let go on is looked at again after this at the latest.
const WHILE: Duration = Duration::from_millis(900);

impl World {
    /// Writes a campaign.
    pub async fn create(&mut self) {
        let terms = Terms::any(&mut self.chance, self.ground.now(), &self.ground.templates);
        let path = if terms.is_ladder { "/api/campaigns/sequences" } else { "/api/campaigns" };
        let (begun, answer) = (self.ground.now(), self.ground.post(path, &terms.request).await);
        assert!(answer.status.is_success(), "{}: {answer:?}", terms.request);
        let data = answer.json()["data"].clone();
        let written = if terms.is_ladder { &data } else { &data["campaigns"][0] };
        let id = written["id"].as_str().unwrap();
        let state = State::named(written["status"].as_str().unwrap());
        let expected = match (terms.is_draft, terms.is_timed, terms.daily) {
            (true, ..) => State::Draft,
            (_, true, _) => State::Scheduled,
            (.., Some(_)) => State::Active,
            _ => State::Preparing,
        };
        let waits = state == State::Awaiting && self.threshold.is_some() && !terms.is_draft;
        assert!(state == expected || waits, "{state:?}: {}", terms.request);
        self.story.tell(format!("{begun} {id}: {}", terms.request));
        let number = id.rsplit('-').next().unwrap().parse().unwrap();
        let begun = (state == State::Preparing).then_some(begun);
        // a ladder is written as a draft, and launched in a second step
        let is_launched = terms.is_ladder && state != State::Draft;
        let first = if is_launched { State::Draft } else { state };
        self.campaigns.push(Campaign { number, terms, state: first, begun, is_approved: false, handed: Vec::new() });
        if is_launched {
            self.follow_with(&[], &[(State::Draft, state)]).await;
        }
    }

    /// Lets work go on until nothing is left to do now, or a while at most; whether nothing is left.
    pub async fn go_on(&mut self, limit: Duration) -> bool {
        let end = Instant::now() + limit;
        let ground = &self.ground;
        let undone = until_some("work went on", limit * 20, || async {
            let undone = ground.undone().await;
            (undone.is_empty() || Instant::now() >= end).then_some(undone)
        })
        .await;
        if !undone.is_empty() {
            self.story.tell(format!("    {} still to do: {}", self.ground.now(), undone.join(", ")));
        }
        undone.is_empty()
    }

    pub async fn let_it_run(&mut self) {
        if self.go_on(WHILE).await {
            self.story.tell(format!("{} everything is done", self.ground.now()));
            self.look().await;
            self.judge_sums().await;
        }
    }

    /// In the middle of calls, when some are made soon: before or after their messages are taken.
    pub async fn crash(&mut self) {
        if !self.chance.one_in(3) {
            let by = self.until_next().await;
            self.advance(by);
        }
        self.ground.peers.linger();
        let is_patient = self.chance.one_in(2);
        let end = Instant::now() + WHILE;
        let ground = &self.ground;
        let (held, taken) = until_some("a call, or not", WHILE * 20, || async {
            let held: BTreeSet<i64> = ground
                .rows("SELECT id FROM messages WHERE status = 'sending'")
                .await
                .iter()
                .map(|row| row.get(0))
                .collect();
            let taken = ground.peers.taken_of(&held);
            let enough = if is_patient { taken > 0 } else { !held.is_empty() };
            (enough || Instant::now() >= end).then_some((held.len(), taken))
        })
        .await;
        self.cut += taken;
        self.story.tell(format!(
            "{} the workers are killed with {held} messages in hand, of which {taken} were taken",
            self.ground.now()
        ));
        self.ground.crash().await;
        self.ground.peers.turn(self.mood);
    }

    pub async fn forget(&mut self) {
        self.story.tell(format!("{} Redis loses its data", self.ground.now()));
        self.ground.flush_redis().await;
    }

    pub fn turn(&mut self, mood: Mood) {
        self.mood = mood;
        self.story.tell(format!("{} the providers are {mood:?}", self.ground.now()));
        self.ground.peers.turn(mood);
    }

    pub fn sleep(&mut self, sleep: bool) {
        self.is_awake = !sleep;
        self.story.tell(format!("{} the scheduler sleeps: {sleep}", self.ground.now()));
        self.ground.wake(!sleep);
    }

    pub async fn sweep(&mut self) {
        let found = jobs::campaigns::sweep(&self.ground.api.state.services).await.unwrap();
        self.story.tell(format!("{} swept: {found}", self.ground.now()));
    }

    pub fn advance(&mut self, by: TimeDelta) {
        self.ground.advance(by);
        self.story.tell(format!("{} it is, after {} minutes", self.ground.now(), by.num_minutes()));
    }

    /// Somebody wants nothing more on a channel.
    pub async fn opt_out(&mut self) {
        let customer = self.chance.within(1, i64::try_from(self.book.zones.len()).unwrap());
        let channel = self.chance.of(&CHANNELS);
        let body = json!({"consents": [{"channel": channel, "purpose": "service", "granted": false}]});
        self.ground.put(&format!("/api/customers/customer-{customer}/consents"), &body).await.data(200);
        self.close(About::Customer(customer, channel), "opted out").await;
    }

    /// The insurer's books say that a policy is paid.
    pub async fn pay(&mut self) {
        let place = self.chance.place(self.book.ends.len());
        let policy = *self.book.ends.keys().nth(place).unwrap();
        let paid = format!("UPDATE renewal_cases SET payment_status = 'paid' WHERE policy_id = {policy}");
        self.ground.execute(&paid).await;
        self.close(About::Policy(policy), "paid").await;
    }

    async fn close(&mut self, about: About, why: &'static str) {
        let from = self.just_now().await;
        self.story.tell(format!("{} {about:?} {why}", self.ground.now()));
        self.closed.push(Closed { about, why, from, until: None });
    }

    /// Failed messages are tried again.
    pub async fn retry(&mut self, place: usize) {
        self.follow(&[]).await;
        let (path, number) = (format!("{}/retry", self.campaigns[place].path()), self.campaigns[place].number);
        let before = self.campaigns[place].state;
        let messages = self.ground.post(&path, &json!({})).await.data(200)["messages"].as_i64().unwrap();
        self.story.tell(format!("{} campaign {number} ({before:?}): {messages} are tried again", self.ground.now()));
        let again = [(State::Completed, State::Active)];
        let ways = self.follow_with(&[], if messages > 0 { &again } else { &[] }).await;
        let stood = ways.get(&number).into_iter().flatten().map(|(_, new)| *new).chain([before]);
        let may = |state: State| matches!(state, State::Active | State::Paused | State::Completed);
        assert!(messages == 0 || stood.into_iter().any(may), "{messages} were tried again of a {before:?} campaign");
    }

    /// A copy of it goes out to nobody.
    pub async fn rehearse(&mut self, place: usize) {
        let path = format!("{}/rehearsal", self.campaigns[place].path());
        // a draft is written anew by nobody meanwhile
        let terms = self.campaigns[place].terms.rehearsed();
        let (begun, written) = (self.ground.now(), self.ground.post(&path, &json!({})).await.data(202));
        let id = written["id"].as_str().unwrap();
        self.story.tell(format!("{begun} {id} rehearses {path}"));
        let number = id.rsplit('-').next().unwrap().parse().unwrap();
        self.campaigns.push(Campaign::begun(number, terms, begun));
    }

    /// One that begins again and again goes on for longer, or not so long.
    async fn prolong(&mut self, place: usize) {
        let (number, before, now) = (self.campaigns[place].number, self.campaigns[place].state, self.ground.now());
        let until = now + TimeDelta::minutes(self.chance.within(-120, 48 * 60));
        let path = format!("{}/extension", self.campaigns[place].path());
        let answer = self.ground.post(&path, &json!({"recurUntil": until.to_rfc3339()})).await;
        let status = answer.status.as_u16();
        self.story.tell(format!("{now} campaign {number} ({before:?}) goes on until {until}: {status}"));
        // of times that began meanwhile nobody knows by which of both
        let known = self.until(place);
        self.set_until(place, known.max(until));
        let ways = self.follow(&[]).await;
        self.set_until(place, if status == 200 { until } else { known });
        let mut stood = ways.get(&number).into_iter().flatten().map(|(_, new)| *new).chain([before]);
        if status == 200 {
            assert!(until > now && stood.any(|state| !state.is_over()), "it was over, or is now");
        } else {
            answer.error(409, "not_extendable");
            assert!(until <= now || stood.any(State::is_over), "it could go on");
        }
    }

    fn until(&self, place: usize) -> DateTime<Utc> {
        self.campaigns[place].terms.daily.unwrap().until
    }

    fn set_until(&mut self, place: usize, until: DateTime<Utc>) {
        self.campaigns[place].terms.daily.as_mut().unwrap().until = until;
    }

    /// A timed campaign may start later.
    pub async fn extend(&mut self, place: usize) {
        self.follow(&[]).await;
        if self.campaigns[place].terms.daily.is_some() {
            return self.prolong(place).await;
        }
        let (number, before) = (self.campaigns[place].number, self.campaigns[place].state);
        let now = self.ground.now();
        let latest = now + TimeDelta::minutes(self.chance.within(-120, 30 * 60));
        let query = format!("SELECT scheduled_at FROM campaigns WHERE id = {number}");
        let at: Option<DateTime<Utc>> = self.ground.rows(&query).await[0].get(0);
        let path = format!("{}/extension", self.campaigns[place].path());
        let answer = self.ground.post(&path, &json!({"latestStart": latest.to_rfc3339()})).await;
        let status = answer.status.as_u16();
        self.story.tell(format!("{now} campaign {number} ({before:?}) may start until {latest}: {status}"));
        let again = [(State::Missed, State::Scheduled)];
        let ways = self.follow_with(&[], if status == 200 && latest >= now { &again } else { &[] }).await;
        let stood: Vec<State> = ways.get(&number).into_iter().flatten().map(|(_, new)| *new).chain([before]).collect();
        let fits = self.campaigns[place].terms.is_timed && at.is_some_and(|at| at <= latest);
        let may =
            |state: &State| fits && matches!(state, State::Draft | State::Awaiting | State::Scheduled | State::Missed);
        match status {
            200 => assert!(stood.iter().any(may), "it stood {stood:?}, its time is {at:?}"),
            _ => {
                answer.error(409, "not_extendable");
                assert!(!stood.iter().all(may), "it stood {stood:?}, its time is {at:?}");
            }
        }
    }

    /// A draft is written anew.
    pub async fn rewrite(&mut self, place: usize) {
        self.follow(&[]).await;
        let (number, before) = (self.campaigns[place].number, self.campaigns[place].state);
        let (now, is_ladder) = (self.ground.now(), self.campaigns[place].terms.is_ladder);
        let (terms, path) = if is_ladder {
            let terms = Terms::ladder(&mut self.chance, &self.ground.templates);
            (terms, format!("{}/steps", self.campaigns[place].path()))
        } else {
            let channel = self.campaigns[place].terms.request["type"].clone();
            let terms = loop {
                let terms = Terms::once(&mut self.chance, now, &self.ground.templates);
                if terms.request["type"] == channel {
                    break terms;
                }
            };
            (terms, self.campaigns[place].path())
        };
        let body = if is_ladder { json!({"steps": terms.request["steps"]}) } else { terms.request.clone() };
        let answer = self.ground.put(&path, &body).await;
        self.story
            .tell(format!("{now} campaign {number} ({before:?}) written anew: {} {body}", answer.status.as_u16()));
        if before == State::Draft {
            answer.data(200);
            self.campaigns[place].terms = terms;
        } else {
            answer.error(409, "not_a_draft");
        }
    }

    /// A person asks for something that they may, or may not.
    pub async fn control(&mut self, place: usize) {
        if self.campaigns[place].state == State::Awaiting && self.chance.one_in(2) {
            let approved = !self.chance.one_in(4);
            return self.give_word(place, approved).await;
        }
        let ask = match (self.campaigns[place].state, self.chance.below(10)) {
            (State::Paused | State::Missed | State::Draft, 0..=5) => Ask::Go,
            (State::Preparing | State::Active, 0..=5) => Ask::Pause,
            _ => self.chance.of(&[Ask::Pause, Ask::Go, Ask::Go, Ask::Stop, Ask::Withdraw]),
        };
        let second = match self.chance.below(6) {
            // the same twice at once, or two that contradict each other
            0 => Some(ask),
            1 => Some(self.chance.of(&Ask::ALL)),
            _ => None,
        };
        let asks: Vec<Ask> = [Some(ask), second].into_iter().flatten().collect();
        self.ask(place, &asks).await;
    }
}
