//! Dovecot: mailboxes over IMAP, with STARTTLS and with TLS from the start, and what Postfix needs of it.

use super::{Tied, certificate, come_up, folder, free_port, key};
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};
use tempfile::TempDir;

/// What every account is opened with.
pub const PASSWORD: &str = "secret of the mailbox";

/// The server.
#[derive(Debug)]
pub struct Dovecot {
    /// IMAP with STARTTLS.
    pub imap_port: u16,
    /// IMAP over TLS.
    pub imaps_port: u16,
    // ends before its folder is removed
    _process: Tied,
    folder: TempDir,
}

impl Dovecot {
    /// Starts it with these accounts. An account whose name begins with `full` holds nothing.
    pub fn start(accounts: &[&str]) -> Self {
        let ((folder, imap_port, imaps_port), process) = come_up("Dovecot", || {
            let folder = folder("renewals-dovecot-");
            let ports = (free_port(), free_port());
            prepare(folder.path(), accounts, ports);
            let log = folder.path().join("log");
            let command = format!("dovecot -F -c {}", folder.path().join("dovecot.conf").display());
            let process = Tied::start(&command, &log);
            ((folder, ports.0, ports.1), process, ports.0, log)
        });
        Self { imap_port, imaps_port, _process: process, folder }
    }

    /// Where mails are handed in (LMTP).
    pub fn lmtp(&self) -> PathBuf {
        self.folder.path().join("run/lmtp")
    }

    /// Where passwords are checked (SASL).
    pub fn sasl(&self) -> PathBuf {
        self.folder.path().join("run/sasl")
    }

    /// Puts a mail into an account's mailbox, as a delivery does.
    pub fn put(&self, account: &str, mail: &str) {
        let mut save = Command::new("doveadm")
            .arg("-c")
            .arg(self.folder.path().join("dovecot.conf"))
            .args(["save", "-u", account])
            .stdin(Stdio::piped())
            .spawn()
            .expect("doveadm");
        save.stdin.take().expect("an input").write_all(mail.as_bytes()).expect("a mail");
        assert!(save.wait().expect("an end").success(), "doveadm save");
    }

    /// Has an account's mailbox count its mails within another number (UIDVALIDITY).
    pub fn count_anew(&self, account: &str, uid_validity: u32) {
        let number = uid_validity.to_string();
        self.administer(&["mailbox", "update", "-u", account, "--uid-validity", &number, "INBOX"]);
    }

    /// Whether an account has so many mails that nobody has looked at.
    pub fn unseen(&self, account: &str, count: usize) -> bool {
        self.administer(&["search", "-u", account, "mailbox", "INBOX", "UNSEEN"]).lines().count() == count
    }

    fn administer(&self, arguments: &[&str]) -> String {
        let config = self.folder.path().join("dovecot.conf");
        let done = Command::new("doveadm").arg("-c").arg(config).args(arguments).output().expect("doveadm");
        assert!(done.status.success(), "doveadm {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8_lossy(&done.stdout).into_owned()
    }

    /// What it said.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

fn prepare(folder: &Path, accounts: &[&str], (imap, imaps): (u16, u16)) {
    fs::create_dir(folder.join("run")).expect("a folder");
    fs::create_dir(folder.join("mail")).expect("a folder");
    std::os::unix::fs::chown(folder.join("mail"), Some(user("mail")), None).expect("an owner");
    let users: String = accounts
        .iter()
        .map(|account| {
            let quota = if account.starts_with("full") { "userdb_quota_rule=*:bytes=1" } else { "" };
            format!("{account}:{{PLAIN}}{PASSWORD}::::::{quota}\n")
        })
        .collect();
    fs::write(folder.join("users"), users).expect("a file");
    let at = folder.display();
    let (certificate, key) = (certificate(), key());
    let config = format!(
        "base_dir = {at}/run
state_dir = {at}/state
log_path = {at}/log
protocols = imap lmtp
listen = 127.0.0.1
ssl = required
ssl_cert = <{certificate}
ssl_key = <{key}
auth_mechanisms = plain login
first_valid_uid = 1
first_valid_gid = 1
default_process_limit = 20
default_vsz_limit = 0
mail_location = maildir:{at}/mail/%u
mail_plugins = quota
passdb {{
  driver = passwd-file
  args = {at}/users
}}
userdb {{
  driver = passwd-file
  args = {at}/users
  default_fields = uid=mail gid=mail home={at}/mail/%u
}}
plugin {{
  quota = maildir:mailbox
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service auth {{
  unix_listener sasl {{
    mode = 0666
  }}
}}
service lmtp {{
  unix_listener lmtp {{
    mode = 0666
  }}
}}
protocol lmtp {{
  postmaster_address = postmaster@localhost
}}
",
        certificate = certificate.display(),
        key = key.display()
    );
    fs::write(folder.join("dovecot.conf"), config).expect("a file");
}

/// The number of one of the system's users.
pub(super) fn user(name: &str) -> u32 {
    let users = fs::read_to_string("/etc/passwd").expect("users");
    let line = users.lines().find(|line| line.split(':').next() == Some(name)).expect("a user");
    line.split(':').nth(2).and_then(|number| number.parse().ok()).expect("a number")
}
