//! What mails to account holders say: a template each, whose first line is the subject; the page is made of the same
//! text, escaped.
//!
//! Nothing in a mail comes from whoever caused it, except what the platform has made of it: a mail of ours must not
//! carry a stranger's words. Fails with minijinja's error, which only a template that does not fit can cause.

use chrono::{DateTime, Utc};
use domain::sign_in::AccountMail;
use minijinja::{AutoEscape, Environment, context};
use std::{net::IpAddr, sync::LazyLock};

/// What a mail may tell.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Where the platform is found.
    pub site: String,
    /// What the mail is for; the text says for how long it counts.
    pub link: Option<String>,
    /// When it happened.
    pub when: Option<DateTime<Utc>>,
    /// From which address.
    pub address: Option<IpAddr>,
    /// On which device, as the platform named it.
    pub device: Option<String>,
}

/// A mail's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// One line.
    pub subject: String,
    /// As text.
    pub text: String,
    /// As a page.
    pub html: String,
}

const LAYOUT: &str = include_str!("mails/layout.html");

static TEMPLATES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|name| match name {
        "layout" => AutoEscape::Html,
        _ => AutoEscape::None,
    });
    environment
});

fn template(purpose: AccountMail) -> &'static str {
    match purpose {
        AccountMail::Invitation => include_str!("mails/invitation.txt"),
        AccountMail::PasswordReset => include_str!("mails/password_reset.txt"),
        AccountMail::PasswordChanged => include_str!("mails/password_changed.txt"),
        AccountMail::NewDevice => include_str!("mails/new_device.txt"),
        AccountMail::TokenReused => include_str!("mails/token_reused.txt"),
        AccountMail::Locked => include_str!("mails/locked.txt"),
        AccountMail::MfaEnabled => include_str!("mails/mfa_enabled.txt"),
        AccountMail::MfaDisabled => include_str!("mails/mfa_disabled.txt"),
        AccountMail::AddressTaken => include_str!("mails/address_taken.txt"),
    }
}

/// The mail of that purpose.
pub fn write(purpose: AccountMail, facts: &Facts) -> Result<Letter, minijinja::Error> {
    let written = TEMPLATES.render_named_str(
        purpose.as_str(),
        template(purpose),
        context! {
            site => facts.site.as_str(),
            link => facts.link.clone(),
            when => facts.when.map(|when| when.format("%-d %B %Y, %H:%M UTC").to_string()),
            address => facts.address.map(|address| address.to_string()),
            device => facts.device.clone(),
        },
    )?;
    let (subject, body) = written.split_once('\n').unwrap_or((&written, ""));
    let paragraphs: Vec<Vec<String>> = body
        .split("\n\n")
        .map(|paragraph| paragraph.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect())
        .filter(|paragraph: &Vec<String>| !paragraph.is_empty())
        .collect();
    let text: Vec<String> = paragraphs.iter().map(|paragraph| paragraph.join("\n")).collect();
    let html =
        TEMPLATES.render_named_str("layout", LAYOUT, context! { subject, paragraphs, link => facts.link.clone() })?;
    Ok(Letter { subject: subject.trim().to_owned(), text: text.join("\n\n") + "\n", html })
}
