//! Sample templates, so that a first campaign needs no writing.
//!
//! The WhatsApp ones carry the name their text must be approved under at the provider; their variables become its
//! numbered parameters, in the order in which they appear.

use domain::messaging::{Channel, template::variables_of};
use schema::initial::NewTemplate;
use serde_json::json;

struct Sample {
    name: &'static str,
    channel: Channel,
    subject: Option<&'static str>,
    provider_name: Option<&'static str>,
    content: &'static str,
}

const SAMPLES: &[Sample] = &[
    Sample {
        name: "Renewal Reminder - 30 Days",
        channel: Channel::Whatsapp,
        subject: None,
        provider_name: Some("renewal_reminder_30_days"),
        content: "Dear {name}, your {policy_type} policy {policy_number} expires on {expiry_date}. The renewal premium \
                  is {renewal_amount}. Reply to this message to renew or to ask us anything.",
    },
    Sample {
        name: "Renewal Reminder - 7 Days",
        channel: Channel::Whatsapp,
        subject: None,
        provider_name: Some("renewal_reminder_7_days"),
        content: "Dear {name}, only a few days are left: policy {policy_number} ends on {expiry_date}. Renew for \
                  {renewal_amount} to stay covered without a break.",
    },
    Sample {
        name: "Renewal Reminder - Last Day",
        channel: Channel::Whatsapp,
        subject: None,
        provider_name: Some("renewal_reminder_last_day"),
        content: "Dear {name}, policy {policy_number} expires on {expiry_date}. Please renew today for \
                  {renewal_amount}, or reply and we will call you.",
    },
    Sample {
        name: "Renewal Reminder - 30 Days",
        channel: Channel::Email,
        subject: Some("Your policy {policy_number} is due for renewal"),
        provider_name: None,
        content: "Dear {name},\n\nyour {policy_type} policy {policy_number} expires on {expiry_date}. The renewal \
                  premium is {renewal_amount}.\n\nRenewing before that day keeps your cover and your no-claim benefits \
                  without a break. Reply to this mail if anything has changed or if you have a question.\n\nKind \
                  regards\nYour renewals team\n",
    },
    Sample {
        name: "Renewal Reminder - 7 Days",
        channel: Channel::Email,
        subject: Some("Policy {policy_number} expires on {expiry_date}"),
        provider_name: None,
        content: "Dear {name},\n\na few days are left to renew policy {policy_number}, which expires on {expiry_date}. \
                  The renewal premium is {renewal_amount}.\n\nKind regards\nYour renewals team\n",
    },
    Sample {
        name: "Renewal Reminder - 30 Days",
        channel: Channel::Sms,
        subject: None,
        provider_name: None,
        content: "Dear {name}, policy {policy_number} expires on {expiry_date}. Please renew in time to stay covered.",
    },
];

pub(super) fn all() -> Vec<NewTemplate> {
    let template = |sample: &Sample| NewTemplate {
        name: sample.name,
        channel: sample.channel.as_str(),
        subject: sample.subject,
        content: sample.content,
        variables: json!(variables(sample)),
        provider_name: sample.provider_name,
    };
    SAMPLES.iter().map(template).collect()
}

/// Those of the text, then those only the subject has. The samples compile: a test holds them to it.
fn variables(sample: &Sample) -> Vec<String> {
    let mut names = variables_of(sample.content).unwrap_or_default();
    let subject = sample.subject.map(|subject| variables_of(subject).unwrap_or_default());
    for name in subject.into_iter().flatten() {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::messaging::template::Template;

    #[test]
    fn every_sample_compiles_and_uses_what_a_policy_offers() {
        for sample in SAMPLES {
            for text in std::iter::once(sample.content).chain(sample.subject) {
                let template = Template::compile(text).unwrap();
                assert!(template.unknown_variables().is_empty(), "{}: {text}", sample.name);
            }
            assert!(!variables(sample).is_empty(), "{}", sample.name);
            let numbered = Template::compile(sample.content).unwrap().parameter_count().is_some();
            assert_eq!(sample.provider_name.is_some(), sample.channel == Channel::Whatsapp, "{}", sample.name);
            assert!(numbered || sample.channel != Channel::Whatsapp, "{}", sample.name);
        }
    }

    #[test]
    fn no_two_samples_of_a_channel_share_a_name() {
        let mut names: Vec<_> = SAMPLES.iter().map(|sample| (sample.channel, sample.name)).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), SAMPLES.len());
    }
}
