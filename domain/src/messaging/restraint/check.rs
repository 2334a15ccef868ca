//! What cannot be kept of a set of rules, by the field at fault.

use super::{Cap, Rules, keyword};
use chrono::NaiveTime;

/// The longest period of a cap, in days.
const CAP_DAYS: u32 = 90;
/// The most that a cap may count.
const CAP_COUNT: u32 = 1000;
/// Words of one kind.
const WORDS: usize = 100;
/// Characters of a word.
const WORD: usize = 50;
/// Hours that the law allows, over all countries and channels.
const WINDOWS: usize = 1000;

/// What is wrong with a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The rule, as it is written in JSON.
    pub field: &'static str,
    /// What would be right.
    pub problem: String,
}

impl Rules {
    /// Everything that is wrong; none is well.
    pub fn check(&self) -> Vec<Fault> {
        let mut faults = Faults(Vec::new());
        faults.country("country", &self.country);
        if self.quiet_hours.as_ref().is_some_and(|quiet| quiet.start == quiet.end) {
            faults.add("quietHours", "begin when they end: leave them out for none");
        }
        self.check_windows(&mut faults);
        if self.weekend.len() > 6 {
            faults.add("weekend", "expected at most 6 days");
        }
        faults.cap("marketingCap", self.marketing_cap);
        faults.cap("overallCap", self.overall_cap);
        faults.words("optOutWords", &self.opt_out_words);
        faults.words("optInWords", &self.opt_in_words);
        let stops: Vec<String> = self.opt_out_words.iter().map(|word| keyword::normal(word)).collect();
        for word in self.opt_in_words.iter().map(|word| keyword::normal(word)) {
            if stops.contains(&word) || keyword::is_known_stop(&word) {
                faults.add("optInWords", format!("{word:?} means STOP"));
            }
        }
        if let Some(word) = stops.iter().find(|word| keyword::is_known_start(word)) {
            faults.add("optOutWords", format!("{word:?} means START"));
        }
        for (name, problem) in self.bounces.check() {
            faults.add("bounces", format!("{name}.{problem}"));
        }
        faults.0
    }

    fn check_windows(&self, faults: &mut Faults) {
        if self.legal_windows.len() > WINDOWS {
            faults.add("legalWindows", format!("expected at most {WINDOWS}"));
            return;
        }
        let mut seen = std::collections::HashSet::new();
        for legal in &self.legal_windows {
            faults.country("legalWindows", &legal.country);
            if legal.from == legal.until {
                faults.add("legalWindows", "hours that begin when they end allow nothing");
            } else if !seen.insert((legal.country.as_str(), legal.channel)) {
                faults.add("legalWindows", format!("{} has two entries for {}", legal.country, legal.channel));
            } else if !self.leaves_time(legal) {
                let message = format!("quiet hours leave no time for {} in {}", legal.channel, legal.country);
                faults.add("legalWindows", message);
            }
        }
    }

    /// Whether quiet hours leave any of the hours that the law allows: the first allowed time is where one of them ends
    /// or begins.
    fn leaves_time(&self, legal: &super::LegalWindow) -> bool {
        let marketing = crate::messaging::Purpose::Marketing;
        let Some(quiet) = self.quiet_hours.as_ref().filter(|quiet| quiet.keep(legal.channel, marketing)) else {
            return true;
        };
        let allowed = |time: NaiveTime| legal.window().contains(time) && !quiet.window().contains(time);
        [legal.from, quiet.end].into_iter().any(allowed)
    }
}

struct Faults(Vec<Fault>);

impl Faults {
    fn add(&mut self, field: &'static str, problem: impl Into<String>) {
        self.0.push(Fault { field, problem: problem.into() });
    }

    fn country(&mut self, field: &'static str, country: &str) {
        if !is_country(country) {
            self.add(field, format!("{country:?} is not a country code such as IN"));
        }
    }

    fn cap(&mut self, field: &'static str, cap: Option<Cap>) {
        let Some(cap) = cap else { return };
        if !(1..=CAP_COUNT).contains(&cap.count) {
            self.add(field, format!("expected a count of 1 to {CAP_COUNT}: leave it out for no cap"));
        }
        if !(1..=CAP_DAYS).contains(&cap.days) {
            self.add(field, format!("expected 1 to {CAP_DAYS} days"));
        }
    }

    fn words(&mut self, field: &'static str, words: &[String]) {
        if words.len() > WORDS {
            self.add(field, format!("expected at most {WORDS} words"));
        }
        for word in words.iter().take(WORDS) {
            if keyword::normal(word).is_empty() || word.chars().count() > WORD {
                self.add(field, format!("expected words of letters, of at most {WORD} characters"));
            }
        }
    }
}

/// Two capital letters.
fn is_country(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(json: serde_json::Value) -> Vec<&'static str> {
        let rules: Rules = serde_json::from_value(json).unwrap();
        rules.check().into_iter().map(|fault| fault.field).collect()
    }

    #[test]
    fn the_defaults_can_be_kept() {
        assert_eq!(Rules::default().check(), []);
    }

    #[test]
    fn all_faults_are_told_by_field() {
        assert_eq!(
            fields(serde_json::json!({
                "country": "India", "quietHours": {"start": "22:00", "end": "22:00"},
                "marketingCap": {"count": 0, "days": 400}, "optOutWords": ["!!"], "optInWords": ["Stop."],
                "weekend": ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"],
                "bounces": {"hard": {"count": 0, "withinDays": 1, "suppressDays": null}},
            })),
            [
                "country",
                "quietHours",
                "weekend",
                "marketingCap",
                "marketingCap",
                "optOutWords",
                "optInWords",
                "bounces"
            ]
        );
    }

    #[test]
    fn hours_that_leave_no_time_are_told() {
        let window = |from: &str, until: &str| serde_json::json!([{"country": "IN", "channel": "sms", "from": from, "until": until}]);
        let quiet = serde_json::json!({"start": "20:00", "end": "10:00"});
        let with = |legal| fields(serde_json::json!({"quietHours": quiet, "legalWindows": legal}));
        assert_eq!(with(window("21:00", "09:00")), ["legalWindows"]);
        assert_eq!(with(window("09:00", "21:00")), Vec::<&str>::new());
        assert_eq!(with(window("19:00", "09:00")), Vec::<&str>::new());
        assert_eq!(with(window("09:00", "09:00")), ["legalWindows"]);
    }
}
