//! Customers with policies, cases, messages, claims, surveys and tags, made up from a seed.

use crate::chance::Chance;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use domain::campaigns::audience::{AnsweredSurvey, Claimed, Day, Held, MessageEvent, Person, Renewal, Sent};
use domain::ids::{BranchId, CampaignId, CustomerId, PolicyId, SegmentId, SurveyId, TemplateId, UploadId, UserId};
use domain::messaging::{Channel, Purpose};
use rust_decimal::Decimal;

pub const CITIES: [&str; 4] = ["Pune", "MUMBAI", "Nashik", "São Paulo"];
pub const STATES: [&str; 2] = ["Maharashtra", "Goa"];
pub const TYPES: [&str; 3] = ["motor", "Health", "life"];
pub const KYC: [&str; 3] = ["pending", "verified", "rejected"];
pub const POLICY: [&str; 4] = ["active", "expired", "lapsed", "cancelled"];
pub const CASE: [&str; 4] = ["new", "assigned", "contacted", "escalated"];
pub const PAYMENT: [&str; 3] = ["pending", "failed", "processing"];
pub const PRIORITY: [&str; 3] = ["low", "medium", "urgent"];
pub const CLAIM: [&str; 4] = ["submitted", "in_review", "rejected", "settled"];
pub const TAGS: [&str; 4] = ["vip", "fleet", "staff", "moved"];
pub const LANGUAGES: [&str; 3] = ["hi", "en_US", "mr"];
pub const EVENTS: [MessageEvent; 5] =
    [MessageEvent::Sent, MessageEvent::Opened, MessageEvent::Clicked, MessageEvent::Replied, MessageEvent::Bounced];
/// How many there are of what is referred to: branches, users, campaigns, templates, surveys, uploads, lists.
pub const OTHERS: i64 = 3;
/// Ids of static segments.
pub const LISTS: [SegmentId; 2] = [SegmentId(1), SegmentId(2)];

/// The day of everything here.
pub fn day() -> Day {
    Day { today: NaiveDate::from_ymd_opt(2026, 3, 1).unwrap(), zone: chrono_tz::Asia::Kolkata }
}

/// An instant near a boundary of days in the zone, as often as not.
fn instant(chance: &mut Chance) -> DateTime<Utc> {
    let midnight = day().start_of(day().plus(i32::try_from(chance.between(-60, 0)).unwrap()));
    midnight + TimeDelta::seconds(chance.one(&[0, -1, 1, 3_600, 43_200]))
}

fn date(chance: &mut Chance, from: i64, to: i64) -> NaiveDate {
    day().plus(i32::try_from(chance.between(from, to)).unwrap())
}

fn text(chance: &mut Chance, often: usize, of: &[&str]) -> Option<String> {
    chance.perhaps(often, |chance| chance.one(of).to_owned())
}

/// So many customers.
pub fn people(seed: u64, count: i64) -> Vec<Person> {
    let mut chance = Chance::of(seed);
    let mut policy = 0;
    (1..=count).map(|id| person(&mut chance, id, &mut policy)).collect()
}

fn person(chance: &mut Chance, id: i64, policy: &mut i64) -> Person {
    let policies: Vec<Held> = chance.some(3, |chance| {
        *policy += 1;
        held(chance, *policy)
    });
    let owned: Vec<PolicyId> = policies.iter().map(|held| held.id).collect();
    let mut consents = Vec::new();
    for channel in [Channel::Email, Channel::Sms] {
        if chance.percent(50) {
            consents.push((channel, Purpose::Marketing, chance.percent(50)));
        }
    }
    let mut lists: Vec<SegmentId> = LISTS.into_iter().filter(|_| chance.percent(30)).collect();
    lists.sort_unstable();
    Person {
        id: CustomerId(id),
        code: format!("C{id}"),
        first_name: chance.one(&["Asha", "Ravi", "J%_n"]).to_owned(),
        last_name: chance.one(&["Rao", "D'Souza"]).to_owned(),
        email: chance.perhaps(60, |_| format!("c{id}@example.com")),
        phone: chance.perhaps(70, |_| format!("+9198{id:08}")),
        city: text(chance, 80, &CITIES),
        state: text(chance, 80, &STATES),
        postal_code: text(chance, 60, &["400001", "411001"]),
        country: text(chance, 70, &["IN", "AE"]),
        time_zone: text(chance, 40, &["Asia/Kolkata", "Asia/Dubai"]),
        language: text(chance, 60, &LANGUAGES),
        date_of_birth: chance.perhaps(70, |chance| {
            chance.one(&[
                NaiveDate::from_ymd_opt(2004, 2, 29).unwrap(),
                NaiveDate::from_ymd_opt(1986, 3, 1).unwrap(),
                NaiveDate::from_ymd_opt(1986, 3, 2).unwrap(),
                NaiveDate::from_ymd_opt(2026, 3, 2).unwrap(),
                NaiveDate::from_ymd_opt(1961, 12, 31).unwrap(),
            ])
        }),
        kyc_status: chance.one(&KYC).to_owned(),
        created_at: instant(chance),
        consents,
        tags: TAGS.iter().filter(|_| chance.percent(35)).map(|tag| (*tag).to_owned()).collect(),
        lists,
        policies,
        messages: chance.some(4, |chance| sent(chance, &owned)),
        surveys: chance.some(2, |chance| AnsweredSurvey {
            survey: SurveyId(chance.between(1, OTHERS)),
            at: instant(chance),
            score: chance.perhaps(70, |chance| Decimal::from(chance.between(0, 10))),
        }),
    }
}

fn held(chance: &mut Chance, id: i64) -> Held {
    let end = date(chance, -40, 40);
    Held {
        id: PolicyId(id),
        number: format!("POL-{id}"),
        kind: chance.one(&TYPES).to_owned(),
        premium: Decimal::new(chance.one(&[500_000, 500_050, 1_000_000, 2_500_000]), 2),
        currency: chance.one(&["INR", "AED"]).to_owned(),
        status: chance.one(&POLICY).to_owned(),
        start: end - TimeDelta::days(365),
        end,
        renewal: chance.perhaps(50, |chance| date(chance, -30, 30)),
        branch: chance.perhaps(70, |chance| BranchId(chance.between(1, OTHERS))),
        agent: chance.perhaps(50, |chance| UserId(chance.between(1, OTHERS))),
        grace_days: chance.one(&[0, 15, 30]),
        created_at: instant(chance),
        uploads: chance.perhaps(70, |chance| vec![UploadId(chance.between(1, OTHERS))]).unwrap_or_default(),
        case: chance.perhaps(75, |chance| Renewal {
            status: chance.one(&CASE).to_owned(),
            priority: chance.one(&PRIORITY).to_owned(),
            assigned_to: chance.perhaps(50, |chance| UserId(chance.between(1, OTHERS))),
            payment_status: chance.one(&PAYMENT).to_owned(),
            amount: chance.perhaps(60, |chance| Decimal::from(chance.one(&[5_000, 10_000, 20_000]))),
            attempts: i32::try_from(chance.between(0, 4)).unwrap(),
            last_contact: chance.perhaps(60, instant),
        }),
        claims: chance.some(2, |chance| Claimed {
            kind: chance.one(&["Accident", "theft"]).to_owned(),
            status: chance.one(&CLAIM).to_owned(),
            amount: Decimal::from(chance.one(&[1_000, 50_000])),
            reported: date(chance, -60, 0),
        }),
    }
}

fn sent(chance: &mut Chance, policies: &[PolicyId]) -> Sent {
    let events = EVENTS.into_iter().filter(|_| chance.percent(45)).collect::<Vec<_>>();
    Sent {
        channel: chance.one(&[Channel::Email, Channel::Whatsapp, Channel::Sms]),
        campaign: chance.perhaps(60, |chance| CampaignId(chance.between(1, OTHERS))),
        template: chance.perhaps(60, |chance| TemplateId(chance.between(1, OTHERS))),
        policy: if policies.is_empty() { None } else { chance.perhaps(70, |chance| chance.one(policies)) },
        events: events.into_iter().map(|event| (event, instant(chance))).collect(),
        rehearsal: chance.percent(15),
    }
}
