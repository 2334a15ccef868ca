//! E-mail over SMTP: a conversation with a mail server, encrypted both ways, and every way it can end.

use api::edge::tls::Certificate;
use domain::messaging::{FailureClass, SendFailure};
use providers::email::{EmailMessage, EmailProvider, Smtp, SmtpConfig};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};
use tests::{base::install_crypto, mail, wait::until};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/tls");

/// What the server does besides taking everything.
#[derive(Debug, Clone, Copy, Default)]
struct Behaviour {
    /// TLS from the first byte, or after STARTTLS.
    tls: Option<&'static str>,
    /// The answer to the command that begins so.
    answers: Option<(&'static str, &'static str)>,
    /// Hangs up at the command that begins so, or `.`: when the message has come.
    hangs_up: Option<&'static str>,
    /// Says nothing from there on.
    silent: Option<&'static str>,
    /// Hangs up after so many messages.
    messages: Option<usize>,
}

/// A mail server, and what it took: commands, and messages.
struct Server {
    port: u16,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn start(behaviour: Behaviour) -> Self {
        install_crypto();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&heard);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let told = Arc::clone(&told);
                tokio::spawn(async move { serve(stream, behaviour, &told).await });
            }
        });
        Self { port, heard }
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }

    fn client(&self, encryption: &str) -> Smtp {
        self.patient_client(encryption, 5)
    }

    /// It trusts another certificate than the server's.
    fn distrusting_client(&self, encryption: &str) -> Smtp {
        self.client_with(encryption, 5, "two")
    }

    /// It gives each step so many seconds.
    fn patient_client(&self, encryption: &str, seconds: u64) -> Smtp {
        self.client_with(encryption, seconds, "one")
    }

    fn client_with(&self, encryption: &str, seconds: u64, trusted: &str) -> Smtp {
        let settings: BTreeMap<&str, String> = [
            ("SMTP_HOST", "127.0.0.1".to_owned()),
            ("SMTP_PORT", self.port.to_string()),
            ("SMTP_ENCRYPTION", encryption.to_owned()),
            ("SMTP_CA_FILE", format!("{FIXTURES}/{trusted}.crt")),
            ("SMTP_TIMEOUT", seconds.to_string()),
            ("EMAIL_USER", "renewals".to_owned()),
            ("EMAIL_PASS", "secret".to_owned()),
            ("EMAIL_FROM", "Renewals <no-reply@renewals.example>".to_owned()),
        ]
        .into();
        let config = SmtpConfig::from_env(&|name| settings.get(name).cloned()).unwrap().unwrap();
        Smtp::new(&config).unwrap()
    }
}

async fn serve(mut stream: TcpStream, behaviour: Behaviour, heard: &Mutex<Vec<String>>) -> Option<()> {
    let certificate = || Certificate::load(format!("{FIXTURES}/one.crt").into(), format!("{FIXTURES}/one.key").into());
    match behaviour.tls {
        None => talk(stream, behaviour, heard, false, true).await,
        Some("implicit") => {
            let stream = certificate().unwrap().acceptor().unwrap().accept(stream).await.ok()?;
            talk(stream, behaviour, heard, false, true).await
        }
        Some(_) => {
            talk(&mut stream, behaviour, heard, true, true).await?;
            let stream = certificate().unwrap().acceptor().unwrap().accept(stream).await.ok()?;
            talk(stream, behaviour, heard, false, false).await
        }
    }
}

/// Speaks SMTP until STARTTLS, QUIT or the end.
async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    behaviour: Behaviour,
    heard: &Mutex<Vec<String>>,
    offers_tls: bool,
    greets: bool,
) -> Option<()> {
    let (mut stream, mut taken) = (BufReader::new(stream), 0);
    if greets {
        stream.write_all(b"220 mail.example ESMTP\r\n").await.ok()?;
    }
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let line = line.trim_end().to_owned();
        heard.lock().unwrap().push(line.clone());
        if behaviour.hangs_up.is_some_and(|command| line.starts_with(command)) {
            return None;
        }
        if behaviour.silent.is_some_and(|command| line.starts_with(command)) {
            std::future::pending::<()>().await;
        }
        let special = behaviour.answers.filter(|(command, _)| line.starts_with(command)).map(|(_, answer)| answer);
        let answer = match line.split(' ').next().unwrap_or_default() {
            _ if special.is_some() => special.unwrap_or_default().to_owned(),
            "EHLO" if offers_tls => "250-mail.example\r\n250 STARTTLS".to_owned(),
            "EHLO" => "250-mail.example\r\n250 AUTH PLAIN LOGIN".to_owned(),
            "STARTTLS" => {
                stream.write_all(b"220 go ahead\r\n").await.ok()?;
                stream.flush().await.ok()?;
                return Some(());
            }
            "AUTH" => "235 welcome".to_owned(),
            "DATA" => {
                stream.write_all(b"354 go on\r\n").await.ok()?;
                let mut message = String::new();
                while !message.ends_with("\r\n.\r\n") {
                    if stream.read_line(&mut message).await.ok()? == 0 {
                        return None;
                    }
                }
                if behaviour.hangs_up == Some(".") {
                    return None;
                }
                if behaviour.silent == Some(".") {
                    std::future::pending::<()>().await;
                }
                heard.lock().unwrap().push(message);
                taken += 1;
                if behaviour.messages == Some(taken) {
                    stream.write_all(b"250 taken, and bye\r\n").await.ok()?;
                    return None;
                }
                "250 taken".to_owned()
            }
            "QUIT" => "221 bye".to_owned(),
            _ => "250 ok".to_owned(),
        };
        stream.write_all(format!("{answer}\r\n").as_bytes()).await.ok()?;
        if line == "QUIT" {
            return None;
        }
    }
}

fn message() -> EmailMessage {
    EmailMessage::new(
        "1.1@renewals.example".to_owned(),
        "Renewals <no-reply@renewals.example>".to_owned(),
        "asha@example.com".to_owned(),
        "Your renewal".to_owned(),
        ("Hello\n.\nfrom us\n".to_owned(), "<p>Hello</p>".to_owned()),
        chrono::DateTime::from_timestamp(1_700_000_000, 0).unwrap(),
    )
}

#[tokio::test]
async fn a_message_reaches_the_server_under_tls_and_with_a_sign_in() {
    for tls in ["implicit", "starttls"] {
        let server = Server::start(Behaviour { tls: Some(tls), ..Behaviour::default() }).await;
        let client = server.client(tls);
        let heard = |start: &str| server.heard().iter().filter(|line| line.starts_with(start)).count();
        // the connection goes back to the pool in a task of its own, some time after the message is taken
        until("a connection is used again", Duration::from_secs(10), async || {
            client.send(&message()).await.unwrap();
            heard("AUTH PLAIN") < heard("MAIL FROM:<no-reply@renewals.example>")
        })
        .await;
        let heard = server.heard();
        let count = |start: &str| heard.iter().filter(|line| line.starts_with(start)).count();
        assert_eq!(count("RCPT TO:<asha@example.com>"), count("MAIL FROM:<no-reply@renewals.example>"));
        assert!(count("AUTH PLAIN") >= 1, "{heard:?}");
        assert_eq!(count("STARTTLS") > 0, tls == "starttls");
        let taken = heard.iter().find(|line| line.contains("Message-ID")).unwrap();
        let read = mail::parse(taken);
        assert_eq!((read.to.as_str(), read.subject.as_str()), ("asha@example.com", "Your renewal"));
        assert!(taken.contains("Message-ID: <1.1@renewals.example>"), "{taken}");
    }
}

async fn failure(behaviour: Behaviour, encryption: &str) -> SendFailure {
    let server = Server::start(behaviour).await;
    server.client(encryption).send(&message()).await.unwrap_err()
}

#[tokio::test]
async fn what_the_server_answers_says_what_to_do() {
    let retry = FailureClass::Retry { after: None };
    // a domain that asks for patience is left alone for a while
    let rest = FailureClass::Retry { after: Some(Duration::from_secs(60)) };
    for (command, answer, expected) in [
        ("AUTH", "535 5.7.8 no such account", FailureClass::Account),
        ("MAIL", "530 5.7.0 sign in first", FailureClass::Account),
        ("RCPT", "550 5.1.1 <asha@example.com> nobody here", FailureClass::Recipient),
        ("RCPT", "550 5.7.1 your network is not wanted", FailureClass::Request),
        ("RCPT", "552 5.2.2 <asha@example.com> mailbox full", FailureClass::Recipient),
        ("RCPT", "452 4.2.2 <asha@example.com> mailbox full", retry),
        ("RCPT", "451 4.7.1 greylisted", rest),
        ("MAIL", "421 4.3.2 going down", rest),
        ("DATA", "552 5.3.4 too big", FailureClass::Request),
        ("DATA", "554 5.7.1 spam", FailureClass::Request),
    ] {
        let behaviour = Behaviour { answers: Some((command, answer)), ..Behaviour::default() };
        let failed = failure(behaviour, "none").await;
        assert_eq!(failed.class, expected, "{answer}: {failed}");
        assert_eq!(failed.code.as_deref(), Some(&answer[..9]));
        assert!(!failed.to_string().contains('@'), "no personal data in logs: {failed}");
    }
}

#[tokio::test]
async fn until_the_last_line_is_sent_nothing_was_handed_over() {
    let retry = FailureClass::Retry { after: None };
    let ends = [("EHLO", retry), ("AUTH", retry), ("MAIL", retry), ("RCPT", retry), ("DATA", retry)];
    let ends: Vec<_> = ends.into_iter().chain([(".", FailureClass::Unknown)]).collect();
    for (at, expected) in &ends {
        let cut_off = failure(Behaviour { hangs_up: Some(at), ..Behaviour::default() }, "none").await;
        assert_eq!(cut_off.class, *expected, "hangs up at {at}: {cut_off}");
    }
    // each waits for its second: at once
    let silent = futures_util::future::join_all(ends.iter().map(async |(at, _)| {
        let server = Server::start(Behaviour { silent: Some(at), ..Behaviour::default() }).await;
        server.patient_client("none", 1).send(&message()).await.unwrap_err()
    }));
    for (failed, (at, expected)) in silent.await.into_iter().zip(&ends) {
        assert_eq!((failed.class, failed.code.as_deref()), (*expected, Some("timeout")), "silent at {at}: {failed}");
    }
}

#[tokio::test]
async fn what_is_refused_before_a_recipient_is_named_is_about_us() {
    for (command, answer) in
        [("EHLO", "554 5.7.1 not from there"), ("MAIL", "550 5.7.1 may not send"), ("MAIL", "553 no")]
    {
        let behaviour = Behaviour { answers: Some((command, answer)), ..Behaviour::default() };
        let failed = failure(behaviour, "none").await;
        assert_eq!(failed.class, FailureClass::Account, "{answer}: {failed}");
    }
}

#[tokio::test]
async fn connections_outlive_refusals_and_are_replaced_when_the_server_closes_them() {
    let behaviour = Behaviour {
        answers: Some(("RCPT TO:<asha@", "550 5.1.1 nobody here")),
        messages: Some(2),
        ..Behaviour::default()
    };
    let server = Server::start(behaviour).await;
    let client = server.client("none");
    let elsewhere = EmailMessage { to: "ravi@example.org".to_owned(), ..message() };
    for _ in 0..3 {
        assert_eq!(client.send(&message()).await.unwrap_err().class, FailureClass::Recipient);
    }
    assert_eq!(server.heard().iter().filter(|line| line.starts_with("EHLO")).count(), 1);
    for _ in 0..5 {
        client.send(&elsewhere).await.unwrap();
    }
    let heard = server.heard();
    let count = |start: &str| heard.iter().filter(|line| line.starts_with(start)).count();
    assert_eq!((count("EHLO"), count("Message-ID")), (3, 5), "two messages a connection, and none lost or doubled");
}

#[tokio::test]
async fn a_domain_that_asks_for_patience_is_not_asked_again() {
    let behaviour =
        Behaviour { answers: Some(("RCPT TO:<asha@", "451 4.7.1 come back later")), ..Behaviour::default() };
    let server = Server::start(behaviour).await;
    let client = server.client("none");
    client.send(&message()).await.unwrap_err();
    let asked = server.heard().len();
    let refused = client.send(&message()).await.unwrap_err();
    assert_eq!(refused.code.as_deref(), Some("domain_resting"));
    assert!(refused.class.wait().is_some_and(|after| after > Duration::from_secs(30)), "{refused:?}");
    let said = &server.heard()[asked..];
    assert!(said.iter().all(|line| line == "QUIT" || line == "RSET"), "nothing was asked: {said:?}");
    let elsewhere = EmailMessage { to: "ravi@example.org".to_owned(), ..message() };
    client.send(&elsewhere).await.unwrap();
}

#[tokio::test]
async fn a_server_that_is_not_there_or_not_safe_takes_nothing() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = Server { port: closed.local_addr().unwrap().port(), heard: Arc::default() };
    drop(closed);
    install_crypto();
    let failed = server.client("none").send(&message()).await.unwrap_err();
    assert_eq!(failed.class, FailureClass::Retry { after: None }, "{failed}");
    // no encryption is offered where it is asked for
    let plain = Server::start(Behaviour::default()).await;
    let failed = plain.client("starttls").send(&message()).await.unwrap_err();
    assert_eq!(failed.class, FailureClass::Account, "{failed}");
    assert!(plain.heard().iter().all(|line| !line.starts_with("AUTH") && !line.starts_with("MAIL")));
    // a certificate that nobody vouches for
    for tls in ["implicit", "starttls"] {
        let server = Server::start(Behaviour { tls: Some(tls), ..Behaviour::default() }).await;
        let failed = server.distrusting_client(tls).send(&message()).await.unwrap_err();
        assert_eq!(failed.class, FailureClass::Account, "{failed}");
        assert!(server.heard().iter().all(|line| !line.starts_with("AUTH") && !line.starts_with("MAIL")));
    }
}
