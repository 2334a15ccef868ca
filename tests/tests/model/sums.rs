//! What holds of the messages as a whole when nothing is under way: sums add up, and everybody is accounted for.

use crate::world::World;
use std::{collections::BTreeMap, time::Duration};
use tests::wait::until_some;

/// Statuses of a message that a provider is known to have taken.
const TAKEN: [&str; 3] = ["sent", "delivered", "read"];

/// Words of providers end within this.
const STILL: Duration = Duration::from_secs(60);

impl World {
    /// To be called when nothing is left to do now.
    pub async fn judge_sums(&mut self) {
        self.judge_takings().await;
        for place in 0..self.campaigns.len() {
            self.judge_audience(place).await;
            self.judge_figures(place).await;
        }
    }

    /// The providers' records and ours agree: what was taken counts as taken or is in doubt, what counts was taken.
    async fn judge_takings(&self) {
        let query = "SELECT id, status::TEXT, bounce IS NULL AND provider_message_id IS NULL, error_code::TEXT \
                     FROM messages WHERE campaign_id IS NOT NULL AND NOT rehearsal";
        for row in self.ground.rows(query).await {
            let (id, status): (i64, &str) = (row.get(0), row.get(1));
            let was_taken = self.accepted.contains_key(&id);
            let what = format!("message {id} is {status}, and was taken: {was_taken}");
            match status {
                "pending" | "suppressed" => assert!(!was_taken, "{what}"),
                // what may be tried again was never taken
                "failed" => assert!(!was_taken || !row.get::<_, bool>(2), "{what}"),
                "unconfirmed" => assert!(row.get::<_, Option<&str>>(3).is_some(), "{what}, without a reason"),
                "sending" => panic!("{what}, and nothing is under way"),
                _ => assert!(TAKEN.contains(&status) && was_taken, "{what}"),
            }
        }
    }

    /// Everybody is addressed or left out, for one reason; messages are as many as were counted.
    async fn judge_audience(&self, place: usize) {
        let campaign = &self.campaigns[place];
        let number = campaign.number;
        let query = format!(
            "SELECT audience_ready, target_count, (SELECT count(*) FROM messages WHERE campaign_id = {number}), \
                (SELECT count(*) FROM campaign_exclusions WHERE campaign_id = {number}), excluded_count \
             FROM campaigns WHERE id = {number}"
        );
        let row = self.ground.rows(&query).await.remove(0);
        if !row.get::<_, bool>(0) || campaign.terms.is_ladder {
            return;
        }
        let (counted, messages): (Option<i32>, i64) = (row.get(1), row.get(2));
        assert_eq!(counted.map(i64::from), Some(messages), "messages of campaign {number}");
        let excluded: Option<i32> = row.get(4);
        assert_eq!(excluded.map(i64::from), Some(row.get(3)), "left out of campaign {number}");
        let lost = format!(
            "SELECT count(*) FROM customers c WHERE NOT EXISTS \
                (SELECT 1 FROM messages m WHERE m.campaign_id = {number} AND m.customer_id = c.id) \
             AND NOT EXISTS (SELECT 1 FROM campaign_exclusions e WHERE e.campaign_id = {number} AND e.customer_id = c.id)"
        );
        assert_eq!(self.ground.number(&lost).await, 0, "neither addressed by campaign {number} nor left out");
        let both = format!(
            "SELECT count(*) FROM campaign_exclusions e JOIN messages m USING (campaign_id, customer_id) \
             WHERE e.campaign_id = {number} AND e.reason = 'holdout'"
        );
        assert_eq!(self.ground.number(&both).await, 0, "held out of campaign {number}, and addressed");
        if campaign.terms.request["variants"].is_array() {
            // whoever is not of the test gets what won
            let wrong = format!(
                "SELECT count(*) FROM messages m JOIN campaigns c ON c.id = m.campaign_id \
                 LEFT JOIN campaign_variants v ON v.id = m.variant_id \
                 WHERE m.campaign_id = {number} AND m.attempts > 0 \
                   AND (v.campaign_id <> m.campaign_id OR v.id IS NULL AND c.winner_id IS NULL)"
            );
            assert_eq!(self.ground.number(&wrong).await, 0, "sent by campaign {number} without a variant");
            let twice = format!(
                "SELECT count(*) FROM (SELECT 1 FROM messages WHERE campaign_id = {number} \
                 GROUP BY customer_id, unit HAVING count(DISTINCT variant_id) > 1) x"
            );
            assert_eq!(self.ground.number(&twice).await, 0, "of two variants of campaign {number}");
        }
    }

    /// What people are shown is what a count of the messages gives.
    async fn judge_figures(&self, place: usize) {
        let number = self.campaigns[place].number;
        let counted = async || -> BTreeMap<String, i64> {
            let query = format!(
                "SELECT m.status::TEXT, count(*) FROM messages m JOIN campaigns c ON c.id = m.campaign_id \
                 WHERE c.id = {number} OR c.parent_id = {number} GROUP BY 1"
            );
            self.ground.rows(&query).await.iter().map(|row| (row.get(0), row.get(1))).collect()
        };
        // what providers tell moves messages at any time: only figures between two like counts can be held against them
        let (counts, shown) = until_some("figures stand still", STILL, || async {
            let before = counted().await;
            let shown = self.ground.get(&format!("{}/analytics", self.campaigns[place].path())).await;
            (before == counted().await).then_some((before, shown))
        })
        .await;
        let of = |names: &[&str]| names.iter().filter_map(|name| counts.get(*name)).sum::<i64>();
        let figures = &shown["metrics"];
        for (name, count) in [
            ("total", counts.values().sum()),
            ("pending", of(&["pending"])),
            ("sending", of(&["sending"])),
            ("suppressed", of(&["suppressed"])),
            ("unconfirmed", of(&["unconfirmed"])),
            ("failed", of(&["failed"])),
            ("sent", of(&TAKEN)),
            ("delivered", of(&["delivered", "read"])),
        ] {
            assert_eq!(figures[name].as_i64(), Some(count), "{name} of campaign {number}: {shown}, of {counts:?}");
        }
    }
}
