//! Pages of mails, a second and core: a template filled in for a recipient and built as it goes over the wire, against
//! lettre alone building the same page written before. Styles are inlined and the text part made once a template; what
//! that takes is a figure of its own.

use crate::{
    ground::Ground,
    report::{Report, per_second, percent, thousands},
};
use anyhow::{Context, ensure};
use chrono::{DateTime, NaiveDate};
use domain::messaging::Channel;
use jobs::{
    sending::{
        letter::{Frame, Letters},
        line::Written,
    },
    tracking::Links,
};
use lettre::{Message, message::MultiPart};
use schema::{
    messages::{self, RenderRow},
    template_versions::TemplateVersion,
};
use std::{hint::black_box, time::Instant};

/// In turns, so that neither is the one that finds the machine warm.
const ROUNDS: usize = 3;
/// Templates compiled, to tell what one takes.
const COMPILED: usize = 50;
/// A recipient with a policy, and a message to them.
const RECIPIENT: &str = "\
    INSERT INTO file_uploads (filename, original_filename, file_size, file_type, upload_status) \
        VALUES ('book.csv', 'book.csv', 1, 'csv', 'completed'); \
    INSERT INTO customers (customer_code, first_name, last_name, phone, email, upload_id) \
        SELECT 'C1', 'Asha', 'Rao', '+919876543210', 'asha@example.com', id FROM file_uploads; \
    INSERT INTO policies (policy_number, customer_id, policy_type, premium_amount, start_date, end_date, upload_id, \
            created_by_upload) \
        SELECT 'P1', c.id, 'motor', 10000, '2025-01-01', '2025-12-31', u.id, u.id FROM customers c, file_uploads u; \
    INSERT INTO renewal_cases (policy_id, term_end, renewal_amount) SELECT id, end_date, 11000 FROM policies; \
    INSERT INTO messages (customer_id, policy_id, case_id, channel, address, attempts) \
        SELECT c.id, p.id, r.id, 'email', c.email, 1 FROM customers c, policies p, renewal_cases r";

/// Measures `count` mails each way.
pub async fn run(count: usize, report: &mut Report) -> anyhow::Result<()> {
    let row = recipient().await?;
    let letters = |tracked| {
        let frame = Frame {
            from: "Renewals <no-reply@renewals.example>".to_owned(),
            links: Links::new("https://renewals.example", &"a key for measuring, long enough for one".into()),
        };
        let today = NaiveDate::from_ymd_opt(2025, 12, 1).context("a day")?;
        anyhow::Ok(Letters::new(Channel::Email, vec![version(tracked)], today, frame, Vec::new())?)
    };
    let begun = Instant::now();
    for _ in 0..COMPILED {
        black_box(letters(true)?);
    }
    let compiled = begun.elapsed().as_secs_f64() * 1_000.0 / COMPILED as f64;
    let (plain, tracked) = (letters(false)?, letters(true)?);
    let written = mail(&plain, &row)?;
    let (text, html) = (written.text.clone(), written.html.clone());
    let mut seconds = [0.0_f64; 3];
    let each = count / ROUNDS;
    for _ in 0..ROUNDS {
        seconds[0] += timed(each, || {
            let builder = Message::builder().from("Renewals <no-reply@renewals.example>".parse()?);
            let parts = MultiPart::alternative_plain_html(text.clone(), html.clone());
            Ok(builder.to("asha@example.com".parse()?).subject("Your renewal").multipart(parts)?.formatted().len())
        })?;
        for (place, letters) in [(1, &plain), (2, &tracked)] {
            seconds[place] += timed(each, || Ok(mail(letters, &row)?.written()?.len()))?;
        }
    }
    let [bare, plain, tracked] = seconds.map(|seconds| per_second(each * ROUNDS, seconds));
    let size = html.len() as f64 / 1_024.0;
    let against = format!("lettre with a page of {size:.0} KiB written before ({})", thousands(bare));
    let what = "mails a second and core, a page filled in and built";
    report.add(what, thousands(plain), format!("{} of {against}", percent(plain, bare)));
    report.add("the same, opens and clicks watched", thousands(tracked), format!("{} of it", percent(tracked, bare)));
    report.add("styles inlined and a text part made, once a template", format!("{compiled:.1} ms"), "");
    Ok(())
}

/// Does one thing so many times on this thread; the seconds it took.
fn timed(count: usize, work: impl Fn() -> anyhow::Result<usize>) -> anyhow::Result<f64> {
    let begun = Instant::now();
    for _ in 0..count {
        ensure!(black_box(work()?) > 0, "a mail says something");
    }
    Ok(begun.elapsed().as_secs_f64())
}

fn mail(letters: &Letters, row: &RenderRow) -> anyhow::Result<providers::email::EmailMessage> {
    match letters.write(&mut row.clone(), DateTime::UNIX_EPOCH) {
        Ok(Written::Email { message, .. }) => Ok(*message),
        other => anyhow::bail!("no mail: {other:?}"),
    }
}

async fn recipient() -> anyhow::Result<RenderRow> {
    let ground = Ground::new().await?;
    ground.connect().await?.batch_execute(RECIPIENT).await?;
    let services = ground.services(&[])?;
    let mut connection = services.db.get().await?;
    let message = messages::one(&mut connection, 1).await?.context("a message")?;
    let mut row = message.text;
    row.template_version_id = Some(1);
    Ok(row)
}

/// A letter as insurers send it: a style sheet, a header, a table, a button, small print.
fn version(tracked: bool) -> TemplateVersion {
    let rows: String = (1..=12).map(|n| format!("<tr><td class=\"k\">Cover {n}</td><td>₹{n}0,000</td></tr>")).collect();
    let print = "<p class=\"small\">Insurance is the subject matter of solicitation.</p>".repeat(10);
    let content = format!(
        "<html><head><style>body {{ font-family: sans-serif; color: #1f2933 }} .head {{ background: #0b5fff; color: #fff; \
         padding: 24px }} td {{ padding: 6px 12px; border-bottom: 1px solid #e4e7eb }} .k {{ color: #697586 }} \
         .button {{ background: #0b5fff; color: #fff; padding: 12px 20px; border-radius: 6px }} \
         .small {{ font-size: 12px; color: #697586 }}</style></head><body><div class=\"head\"><h1>Time to renew</h1></div>\
         <p>Dear {{first_name}} {{last_name}},</p><p>your {{policy_type}} policy {{policy_number}} ends on {{expiry_date}}.\
         </p><table>{rows}</table><p><a class=\"button\" href=\"https://renewals.example/pay/{{policy_number}}\">Renew for \
         {{renewal_amount}}</a></p>{print}<p><a href=\"{{unsubscribe_url}}\">Unsubscribe</a></p></body></html>"
    );
    TemplateVersion {
        id: 1,
        template_id: 1,
        version: 1,
        name: "Renewal".to_owned(),
        template_type: "email".to_owned(),
        purpose: "service".to_owned(),
        topic: None,
        tracked,
        is_active: true,
        language: "en".to_owned(),
        is_fallback: true,
        subject: Some("Your policy {policy_number}".to_owned()),
        content,
        format: "html".to_owned(),
        provider_name: None,
        extras: None,
    }
}
