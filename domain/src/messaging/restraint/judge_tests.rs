//! Verdicts by example, and what holds of all of them.

use super::*;
use crate::messaging::{
    restraint::{QuietHours, calendar::HORIZON_DAYS},
    suppression::SuppressionScope,
};
use chrono::{NaiveTime, Weekday};
use proptest::prelude::*;

fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

fn facts(purpose: Purpose, channel: Channel, now: &str, zone: Tz) -> Facts<'static> {
    Facts {
        purpose,
        channel,
        topic: None,
        now: at(now),
        time_zone: zone,
        country: "IN",
        consent: (purpose == Purpose::Marketing).then_some(true),
        switched_off: false,
        refused_topics: &[],
        suppressions: &[],
        contacts: &[],
        holidays: &[],
        windows: &[],
    }
}

const INDIA: Tz = Tz::Asia__Kolkata;
const NEW_YORK: Tz = Tz::America__New_York;

fn night(start: &str, end: &str) -> Rules {
    let time = |text| NaiveTime::parse_from_str(text, "%H:%M").unwrap();
    let quiet = QuietHours { start: time(start), end: time(end), channels: Vec::new(), marketing_only: false };
    Rules { quiet_hours: Some(quiet), ..Rules::default() }
}

fn until(verdict: Verdict, reason: DeferReason) -> String {
    match verdict {
        Verdict::Defer { until, reason: told } if told == reason => until.format("%m-%dT%H:%M:%SZ").to_string(),
        other => panic!("{other:?}"),
    }
}

fn exclude(reason: ExclusionReason) -> Verdict {
    Verdict::Exclude { reason }
}

#[test]
fn by_default_what_serves_a_contract_goes_out_at_any_hour() {
    for hour in 0..24 {
        for channel in Channel::ALL {
            let now = format!("2026-01-04T{hour:02}:30:00Z");
            let facts = facts(Purpose::Service, *channel, &now, INDIA);
            assert_eq!(judge(&Rules::default(), &facts), Verdict::Send, "{channel} {hour}");
        }
    }
}

#[test]
fn marketing_keeps_the_hours_of_the_law() {
    // 21:30 in India
    let facts = facts(Purpose::Marketing, Channel::Sms, "2026-01-05T16:00:00Z", INDIA);
    assert_eq!(until(judge(&Rules::default(), &facts), DeferReason::LegalWindow), "01-06T03:30:00Z");
    assert_eq!(judge(&Rules::default(), &Facts { channel: Channel::Email, ..facts.clone() }), Verdict::Send);
    assert_eq!(judge(&Rules::default(), &Facts { country: "SG", ..facts }), Verdict::Send);
}

#[test]
fn marketing_needs_a_yes_and_service_no_more_than_no_no() {
    let marketing = Facts { consent: None, ..facts(Purpose::Marketing, Channel::Email, "2026-01-05T06:00:00Z", INDIA) };
    let lax = Rules { marketing_needs_consent: false, ..Rules::default() };
    assert_eq!(judge(&Rules::default(), &marketing), exclude(ExclusionReason::NoConsent));
    assert_eq!(judge(&lax, &marketing), Verdict::Send);
    let refused = Facts { consent: Some(false), ..marketing };
    assert_eq!(judge(&lax, &refused), exclude(ExclusionReason::OptedOut));
    let service = Facts { purpose: Purpose::Service, ..refused };
    assert_eq!(judge(&Rules::default(), &service), exclude(ExclusionReason::OptedOut));
    assert_eq!(judge(&Rules::default(), &Facts { consent: None, ..service.clone() }), Verdict::Send);
    let off = Facts { consent: Some(true), switched_off: true, ..service };
    assert_eq!(judge(&Rules::default(), &off), exclude(ExclusionReason::OptedOut));
}

#[test]
fn topics_and_suppressions_exclude() {
    let base = facts(Purpose::Service, Channel::Email, "2026-01-05T06:00:00Z", INDIA);
    let topics = ["offers".to_owned()];
    let about = |topic| Facts { topic: Some(topic), refused_topics: &topics, ..base.clone() };
    assert_eq!(judge(&Rules::default(), &about("offers")), exclude(ExclusionReason::TopicRefused));
    assert_eq!(judge(&Rules::default(), &about("renewals")), Verdict::Send);
    let entry = |reason, scope| [Suppression { reason, scope, expires_at: None }];
    for (reason, told) in [
        (SuppressionReason::HardBounce, ExclusionReason::Suppressed),
        (SuppressionReason::DoNotDisturb, ExclusionReason::DoNotDisturb),
        (SuppressionReason::OptedOut, ExclusionReason::OptedOut),
    ] {
        let all = entry(reason, SuppressionScope::All);
        assert_eq!(judge(&Rules::default(), &Facts { suppressions: &all, ..base.clone() }), exclude(told));
        let some = entry(reason, SuppressionScope::Marketing);
        assert_eq!(judge(&Rules::default(), &Facts { suppressions: &some, ..base.clone() }), Verdict::Send);
    }
}

#[test]
fn a_night_ends_in_the_morning() {
    let rules = night("22:00", "07:00");
    for (now, expected) in [("2026-01-05T17:00:00Z", "01-06T01:30:00Z"), ("2026-01-05T20:00:00Z", "01-06T01:30:00Z")] {
        let facts = facts(Purpose::Service, Channel::Sms, now, INDIA);
        assert_eq!(until(judge(&rules, &facts), DeferReason::QuietHours), expected);
    }
    let noon = facts(Purpose::Service, Channel::Sms, "2026-01-05T06:00:00Z", INDIA);
    assert_eq!(judge(&rules, &noon), Verdict::Send);
}

#[test]
fn nights_of_clock_changes_end_when_the_clock_says_so() {
    let at_night = |now| facts(Purpose::Service, Channel::Sms, now, NEW_YORK);
    // forward, 02:00 becomes 03:00: an end of 02:30 comes when the clock resumes
    let skipped = judge(&night("22:00", "02:30"), &at_night("2026-03-08T05:00:00Z"));
    assert_eq!(until(skipped, DeferReason::QuietHours), "03-08T07:00:00Z");
    // back, 02:00 becomes 01:00: from the second 01:00 on it is before 01:15 again
    let rules = night("01:15", "02:30");
    let repeated = judge(&rules, &at_night("2026-11-01T05:20:00Z"));
    assert_eq!(until(repeated, DeferReason::QuietHours), "11-01T06:00:00Z");
}

#[test]
fn weekends_and_holidays_are_left_out_of_marketing() {
    let rules = Rules { marketing_on_weekends: false, ..Rules::default() };
    // Friday 22:30 in India
    let base = facts(Purpose::Marketing, Channel::Sms, "2026-01-09T17:00:00Z", INDIA);
    assert_eq!(until(judge(&rules, &base), DeferReason::LegalWindow), "01-12T03:30:00Z");
    let monday = [NaiveDate::from_ymd_opt(2026, 1, 12).unwrap()];
    let holiday = Facts { holidays: &monday, now: at("2026-01-10T06:00:00Z"), ..base.clone() };
    assert_eq!(until(judge(&rules, &holiday), DeferReason::Weekend), "01-13T03:30:00Z");
    let on_it = Facts { now: at("2026-01-12T06:00:00Z"), ..holiday.clone() };
    assert_eq!(until(judge(&rules, &on_it), DeferReason::Holiday), "01-13T03:30:00Z");
    assert_eq!(judge(&rules, &Facts { purpose: Purpose::Service, ..on_it }), Verdict::Send);
}

#[test]
fn caps_defer_to_when_they_free_and_then_to_the_hours() {
    let contacts = [("2026-01-01T06:00:00Z", Purpose::Marketing), ("2026-01-03T16:00:00Z", Purpose::Marketing)]
        .map(|(time, purpose)| Contact { at: at(time), purpose });
    let cap = |count, days| Some(Cap { count, days });
    let base = Facts { contacts: &contacts, ..facts(Purpose::Marketing, Channel::Sms, "2026-01-05T06:00:00Z", INDIA) };
    let two = Rules { marketing_cap: cap(2, 7), ..Rules::default() };
    assert_eq!(until(judge(&two, &base), DeferReason::FrequencyCap), "01-08T06:00:00Z");
    // frees at 21:30 in India, so it is the morning after
    let one = Rules { marketing_cap: cap(1, 7), ..Rules::default() };
    assert_eq!(until(judge(&one, &base), DeferReason::FrequencyCap), "01-11T03:30:00Z");
    // a period longer than the horizon is still an end
    let long = Rules { marketing_cap: cap(1, 60), ..Rules::default() };
    assert_eq!(until(judge(&long, &base), DeferReason::FrequencyCap), "03-05T03:30:00Z");
    let service = Facts { purpose: Purpose::Service, ..base.clone() };
    assert_eq!(judge(&two, &service), Verdict::Send);
    let overall = Rules { overall_cap: cap(2, 7), ..Rules::default() };
    assert_eq!(until(judge(&overall, &service), DeferReason::FrequencyCap), "01-08T06:00:00Z");
    assert_eq!(judge(&Rules { marketing_cap: cap(3, 7), ..Rules::default() }, &base), Verdict::Send);
}

#[test]
fn what_is_never_allowed_is_left_out() {
    use Weekday::{Fri, Mon, Sat, Sun, Thu, Tue, Wed};
    let rules =
        Rules { weekend: vec![Mon, Tue, Wed, Thu, Fri, Sat, Sun], marketing_on_weekends: false, ..Rules::default() };
    let base = facts(Purpose::Marketing, Channel::Sms, "2026-01-09T06:00:00Z", INDIA);
    assert_eq!(judge(&rules, &base), exclude(ExclusionReason::NeverAllowed));
}

const ZONES: [Tz; 6] =
    [INDIA, NEW_YORK, Tz::Europe__London, Tz::Australia__Lord_Howe, Tz::Pacific__Apia, Tz::America__St_Johns];

prop_compose! {
    fn any_rules()(
        quiet in proptest::option::of((0u32..1440, 1u32..1440)),
        legal in proptest::option::of((0u32..1440, 1u32..1440)),
        weekends: bool,
        caps in (proptest::option::of((1u32..4, 1u32..10)), proptest::option::of((1u32..4, 1u32..10))),
    ) -> Rules {
        let time = |minute: u32| NaiveTime::from_num_seconds_from_midnight_opt(minute % 1440 * 60, 0).unwrap();
        let cap = |given: Option<(u32, u32)>| given.map(|(count, days)| Cap { count, days });
        Rules {
            quiet_hours: quiet.map(|(from, long)| QuietHours {
                start: time(from), end: time(from + long), channels: Vec::new(), marketing_only: false,
            }),
            legal_windows: legal.map(|(from, long)| crate::messaging::restraint::LegalWindow {
                country: "IN".to_owned(), channel: Channel::Sms, from: time(from), until: time(from + long),
            }).into_iter().collect(),
            marketing_on_weekends: weekends,
            marketing_cap: cap(caps.0),
            overall_cap: cap(caps.1),
            ..Rules::default()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Seconds around the changes of clocks of 2026, in the north and the south.
    #[test]
    fn a_deferral_ends_at_the_first_allowed_instant(
        rules in any_rules(),
        zone in 0..ZONES.len(),
        start in prop_oneof![Just("2026-03-06T00:00:00Z"), Just("2026-03-27T00:00:00Z"), Just("2026-10-30T00:00:00Z"), Just("2026-04-03T00:00:00Z")],
        ahead in 0i64..4 * 86_400,
        back in proptest::collection::vec((0i64..10 * 86_400, any::<bool>()), 0..6),
    ) {
        let now = at(start) + TimeDelta::seconds(ahead);
        let purpose = |marketing| if marketing { Purpose::Marketing } else { Purpose::Service };
        let mut contacts: Vec<Contact> = back.iter()
            .map(|(seconds, marketing)| Contact { at: now - TimeDelta::seconds(*seconds), purpose: purpose(*marketing) }).collect();
        let base = Facts { now, ..facts(Purpose::Marketing, Channel::Sms, start, ZONES[zone]) };
        let verdict = judge(&rules, &Facts { contacts: &contacts, ..base.clone() });
        let judged_at = |at| judge(&rules, &Facts { now: at, contacts: &contacts, ..base.clone() });
        match verdict {
            Verdict::Send => {}
            Verdict::Defer { until, .. } => {
                prop_assert!(until > now);
                prop_assert_eq!(judged_at(until), Verdict::Send);
                // nothing before it was allowed
                let span = (until - now).num_seconds();
                for part in 0..50 {
                    let between = now + TimeDelta::seconds(span * part / 50);
                    prop_assert!(between >= until || judged_at(between) != Verdict::Send, "{} was allowed", between);
                }
            }
            Verdict::Exclude { reason } => {
                prop_assert_eq!(reason, ExclusionReason::NeverAllowed);
                for hour in 0..i64::try_from(HORIZON_DAYS).unwrap() * 24 {
                    prop_assert_ne!(judged_at(now + TimeDelta::hours(hour)), Verdict::Send);
                }
            }
        }
        contacts.reverse();
        prop_assert_eq!(judge(&rules, &Facts { contacts: &contacts, ..base }), verdict, "order matters");
    }
}
