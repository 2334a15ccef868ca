//! When messages are due, for statements: the rules of `domain::campaigns::plan::Timing` in SQL.

use domain::campaigns::plan::Timing;

/// A time that never comes: what waits for something else to happen is due then.
pub(super) const FAR: &str = "9999-12-31T00:00:00Z";

/// How far back it is looked when somebody opens and follows what they get.
const ENGAGEMENT: &str = "180 days";

/// The expression of when a message of the row `f` (with `customer_id` and `zone`) is due; its fields are expressions.
pub(super) struct Due<'a> {
    pub timing: Timing,
    pub now: &'a str,
    pub day: &'a str,
    pub time: &'a str,
}

impl Due<'_> {
    pub fn sql(&self) -> String {
        match self.timing {
            // the binds are named, so that their types are known
            Timing::AtOnce => format!("COALESCE({}, {}::DATE + {}::TIME)", self.now, self.day, self.time),
            Timing::RecipientTime { .. } => self.at(&format!("{}::TIME", self.time)),
            Timing::BestHour { .. } => self.in_hour(&best_hour(self.now)),
        }
    }

    /// In an hour of the recipient's day; at the time itself where the hour is not known.
    pub fn in_hour(&self, hour: &str) -> String {
        self.at(&format!(
            "COALESCE(make_time(({hour})::INTEGER, 0, 0), {}::TIME, ({} AT TIME ZONE f.zone)::TIME)",
            self.time, self.now
        ))
    }

    // on the day, or on the recipient's own when that is later; the next day where the time has passed
    fn at(&self, time: &str) -> String {
        let (now, day) = (self.now, self.day);
        format!(
            "(SELECT CASE WHEN x.at >= {now} THEN x.at ELSE local_instant(x.day + 1 + x.time, f.zone) END \
              FROM (SELECT y.day, y.time, local_instant(y.day + y.time, f.zone) AS at \
                    FROM (SELECT GREATEST({day}::DATE, ({now} AT TIME ZONE f.zone)::DATE) AS day, {time} AS time) AS y) AS x)"
        )
    }
}

/// The hour in which the customer opened, followed or answered most; NULL when they never did.
fn best_hour(now: &str) -> String {
    format!(
        "SELECT extract(HOUR FROM z.at AT TIME ZONE f.zone) \
         FROM (SELECT COALESCE(m.clicked_at, m.replied_at, m.opened_at) AS at FROM messages m \
               WHERE m.customer_id = f.customer_id AND m.created_at > {now} - INTERVAL '{ENGAGEMENT}' AND NOT m.rehearsal) AS z \
         WHERE z.at IS NOT NULL GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1"
    )
}
