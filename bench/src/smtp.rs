//! E-mail over SMTP: messages a second into a sink on this machine, written, signed and sent, against lettre alone with
//! one message written before.

use crate::report::{Report, per_second, percent, thousands};
use chrono::DateTime;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor, transport::smtp::PoolConfig};
use providers::email::{EmailMessage, EmailProvider, Smtp, SmtpConfig, Unsubscribe};
use std::{sync::Arc, time::Instant};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

/// Callers, and connections, at once.
const CALLERS: usize = 8;
/// In turns, so that neither is the one that finds the machine warm.
const ROUNDS: usize = 3;
const KEY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/keys/ed25519_pkcs8.pem");

/// Measures `count` messages each way.
pub async fn run(count: usize, report: &mut Report) -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    let sink = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(swallow(stream));
        }
    });
    let (bare, plain, signed) = (bare(port), Arc::new(ours(port, false)?), Arc::new(ours(port, true)?));
    let written = Arc::new(letter(0));
    let mut seconds = [0.0_f64; 3];
    let each = count / ROUNDS;
    for _ in 0..ROUNDS {
        let (transport, message) = (bare.clone(), bare_message()?);
        seconds[0] += timed(each, move |_| {
            let (transport, message) = (transport.clone(), message.clone());
            async move { Ok(transport.send(message).await.map(drop)?) }
        })
        .await?;
        for (place, smtp) in [(1, &plain), (2, &signed)] {
            let (smtp, written) = (Arc::clone(smtp), Arc::clone(&written));
            seconds[place] += timed(each, move |number| {
                let (smtp, message) = (Arc::clone(&smtp), EmailMessage { id: id(number), ..(*written).clone() });
                async move { Ok(smtp.send(&message).await.map(drop)?) }
            })
            .await?;
        }
    }
    sink.abort();
    let [bare, plain, signed] = seconds.map(|seconds| per_second(each * ROUNDS, seconds));
    let against = format!("lettre with a written message ({})", thousands(bare));
    report.add("e-mails a second over SMTP", thousands(plain), format!("{} of {against}", percent(plain, bare)));
    report.add("the same, signed (Ed25519)", thousands(signed), format!("{} of {against}", percent(signed, bare)));
    Ok(())
}

/// Does `count` things by [`CALLERS`] at once; the seconds it took.
async fn timed<F, Fut>(count: usize, work: F) -> anyhow::Result<f64>
where
    F: Fn(usize) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = anyhow::Result<()>> + Send,
{
    let begun = Instant::now();
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let work = work.clone();
            tokio::spawn(async move {
                for number in (caller..count).step_by(CALLERS) {
                    work(number).await?;
                }
                anyhow::Ok(())
            })
        })
        .collect();
    for caller in callers {
        caller.await??;
    }
    Ok(begun.elapsed().as_secs_f64())
}

fn bare(port: u16) -> AsyncSmtpTransport<Tokio1Executor> {
    let pool = PoolConfig::new().max_size(u32::try_from(CALLERS).unwrap_or(1));
    AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous("127.0.0.1").port(port).pool_config(pool).build()
}

fn bare_message() -> anyhow::Result<Message> {
    let builder = Message::builder().from("no-reply@renewals.example".parse()?).to("asha@example.com".parse()?);
    let bodies = lettre::message::MultiPart::alternative_plain_html("Hello\n".repeat(40), "<p>Hello</p>".repeat(40));
    Ok(builder.subject("Your renewal").multipart(bodies)?)
}

fn ours(port: u16, signs: bool) -> anyhow::Result<Smtp> {
    let callers = CALLERS.to_string();
    let lookup = |name: &str| {
        Some(match name {
            "SMTP_HOST" => "127.0.0.1".to_owned(),
            "SMTP_PORT" => port.to_string(),
            "SMTP_ENCRYPTION" => "none".to_owned(),
            "SMTP_CONNECTIONS" | "SMTP_CONNECTIONS_PER_DOMAIN" => callers.clone(),
            "EMAIL_FROM" => "no-reply@renewals.example".to_owned(),
            "SMTP_DKIM_DOMAIN" if signs => "renewals.example".to_owned(),
            "SMTP_DKIM_SELECTOR" if signs => "one".to_owned(),
            "SMTP_DKIM_KEY_FILE" if signs => KEY.to_owned(),
            _ => return None,
        })
    };
    let config = SmtpConfig::from_env(&lookup).map_err(|faults| anyhow::anyhow!("{faults:?}"))?;
    Ok(Smtp::new(&config.ok_or_else(|| anyhow::anyhow!("no mail server"))?)?)
}

fn id(number: usize) -> String {
    format!("m-{}-1@renewals.example", number + 1)
}

fn letter(number: usize) -> EmailMessage {
    let bodies = ("Hello\n".repeat(40), "<p>Hello</p>".repeat(40));
    let (from, to) = ("no-reply@renewals.example".to_owned(), "asha@example.com".to_owned());
    let message = EmailMessage::new(id(number), from, to, "Your renewal".to_owned(), bodies, DateTime::UNIX_EPOCH);
    let url = "https://renewals.example/u/1".to_owned();
    EmailMessage { unsubscribe: Some(Unsubscribe { url, mailto: None }), ..message }
}

/// Takes everything and keeps nothing.
async fn swallow(stream: TcpStream) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 sink ESMTP\r\n").await.ok()?;
    let mut line = Vec::new();
    loop {
        line.clear();
        if stream.read_until(b'\n', &mut line).await.ok()? == 0 {
            return None;
        }
        let answer: &[u8] = match line.get(..4)? {
            b"DATA" => {
                stream.write_all(b"354 go on\r\n").await.ok()?;
                while line != b".\r\n" {
                    line.clear();
                    if stream.read_until(b'\n', &mut line).await.ok()? == 0 {
                        return None;
                    }
                }
                b"250 taken\r\n"
            }
            b"QUIT" => return stream.write_all(b"221 bye\r\n").await.ok(),
            _ => b"250 ok\r\n",
        };
        stream.write_all(answer).await.ok()?;
    }
}
