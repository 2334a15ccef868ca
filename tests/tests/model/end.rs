//! The end: once everybody does their best and time goes on, every campaign comes to an end.

use crate::{
    machine::{Ask, State},
    peers::Mood,
    world::World,
};
use chrono::{DateTime, TimeDelta, Utc};
use std::time::{Duration, Instant};

/// Moves of the clock within which everything has to be over: ladders and paces are no longer than that.
const MOVES: usize = 400;
/// Long enough for a debug build on a busy machine.
const DEADLINE: Duration = Duration::from_secs(300);
/// How long work is waited for between them.
const WHILE: Duration = Duration::from_secs(3);

impl World {
    /// Lets everything come to its end, and holds the end against the model.
    pub async fn end(&mut self) {
        self.story.tell(format!("{} everybody does their best from here", self.ground.now()));
        self.turn(Mood::Good);
        self.sleep(false);
        // what providers asked for is over long before time has gone on so far
        self.forget().await;
        let deadline = Instant::now() + DEADLINE;
        // most messages go out from here on: workers do not live for ever all the same
        let mut crashes = self.chance.below(4);
        for _ in 0..MOVES {
            if Instant::now() >= deadline {
                break;
            }
            self.decide().await;
            if crashes > 0 {
                crashes -= 1;
                self.crash().await;
            }
            let is_idle = self.go_on(WHILE).await;
            self.look().await;
            if is_idle && self.campaigns.iter().all(|campaign| campaign.state.is_over()) {
                return self.judge_end().await;
            }
            self.sweep().await;
            let by = self.until_next().await;
            self.advance(by);
        }
        let states: Vec<_> = self.campaigns.iter().map(|campaign| (campaign.number, campaign.state)).collect();
        panic!("not all is over: {states:?}");
    }

    /// Whatever waits for a person is told to go on, or to stop.
    async fn decide(&mut self) {
        self.follow(&[]).await;
        for place in 0..self.campaigns.len() {
            match self.campaigns[place].state {
                State::Draft | State::Missed => {
                    let ask = self.chance.of(&[Ask::Go, Ask::Go, Ask::Go, Ask::Stop]);
                    self.ask(place, &[ask]).await;
                }
                State::Paused => self.ask(place, &[Ask::Go]).await,
                State::Awaiting => self.give_word(place, true).await,
                _ => {}
            }
        }
    }

    /// How far the next thing is ahead, and some more.
    pub async fn until_next(&mut self) -> TimeDelta {
        let now = self.ground.now();
        let query = format!(
            "SELECT min(x.at) FROM ( \
                SELECT m.due_at AS at FROM messages m JOIN campaigns c ON c.id = m.campaign_id \
                    WHERE m.status = 'pending' AND c.status = 'active' AND m.due_at < '9000-01-01' \
                UNION ALL SELECT scheduled_at FROM campaigns \
                    WHERE status = 'scheduled' OR (status = 'active' AND mode = 'recurring') \
                UNION ALL SELECT LEAST(e.next_at, e.fallback_at) FROM campaign_enrolments e \
                    JOIN campaigns c ON c.id = e.campaign_id WHERE e.state = 'active' AND c.status = 'active' \
                UNION ALL SELECT run_at FROM jobs WHERE state = 'scheduled' AND kind = 'decide_winner' \
             ) AS x WHERE x.at > '{}'",
            now.to_rfc3339()
        );
        let next: Option<DateTime<Utc>> = self.ground.rows(&query).await[0].get(0);
        let more = match self.chance.below(4) {
            0 => TimeDelta::seconds(1),
            1 => TimeDelta::minutes(self.chance.within(1, 60)),
            2 => TimeDelta::minutes(self.chance.within(60, 10 * 60)),
            _ => TimeDelta::minutes(self.chance.within(10 * 60, 30 * 60)),
        };
        next.map_or(TimeDelta::hours(1), |next| next - now) + more
    }

    async fn judge_end(&mut self) {
        assert!(self.ground.peers.settled(WHILE * 20).await, "providers tell what they know");
        assert!(self.go_on(WHILE * 10).await, "what was told is applied");
        self.look().await;
        self.judge_sums().await;
        let open = "SELECT count(*) FROM messages WHERE status IN ('pending', 'sending') \
                    OR (status IN ('unconfirmed', 'failed', 'suppressed') AND error_code IS NULL)";
        assert_eq!(self.ground.number(open).await, 0, "messages have no end, or no reason for theirs");
        let climbing = "SELECT count(*) FROM campaign_enrolments WHERE state = 'active'";
        assert_eq!(self.ground.number(climbing).await, 0, "somebody is still on a ladder");
        assert_eq!(self.ground.peers.violations(), Vec::<String>::new());
    }
}
