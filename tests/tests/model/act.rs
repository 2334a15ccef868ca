//! What is done next, at random.

use crate::{peers::Mood, world::World};
use chrono::TimeDelta;

impl World {
    /// One thing, and what holds after it.
    pub async fn act(&mut self) {
        let place = self.chance.place(self.campaigns.len());
        match self.chance.below(35) {
            0..=7 => self.control(place).await,
            8..=11 => self.let_it_run().await,
            12..=14 => self.crash().await,
            15..=19 => {
                let by = self.span();
                self.advance(by);
            }
            20..=22 => {
                let mood = self.chance.of(&Mood::ALL);
                self.turn(mood);
            }
            23 => self.opt_out().await,
            24 => self.pay().await,
            25 => self.retry(place).await,
            26 => self.extend(place).await,
            27 => self.rewrite(place).await,
            28 => self.sweep().await,
            29 => self.forget().await,
            30 => self.sleep(self.is_awake),
            31 => self.give_word(place, true).await,
            32 if self.rehearsals() < 2 => self.rehearse(place).await,
            _ if self.campaigns.len() < 3 => self.create().await,
            _ => {}
        }
        self.look().await;
    }

    fn rehearsals(&self) -> usize {
        self.campaigns.iter().filter(|campaign| campaign.terms.is_rehearsal).count()
    }

    fn span(&mut self) -> TimeDelta {
        match self.chance.below(6) {
            0 | 1 => TimeDelta::minutes(self.chance.within(1, 90)),
            2..=4 => TimeDelta::minutes(self.chance.within(60, 14 * 60)),
            _ => TimeDelta::minutes(self.chance.within(24 * 60, 80 * 60)),
        }
    }
}
