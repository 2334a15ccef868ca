//! Postfix: takes mails with STARTTLS and AUTH, hands those of its domains to Dovecot, and sends real reports back.
//!
//! Mails to `slow.test` go to a port where nobody listens: a report that they wait comes within seconds. Mails to any
//! other foreign domain are taken and thrown away.

use super::{Tied, certificate, come_up, dovecot, dovecot::Dovecot, folder, free_port, key};
use std::{fs, path::Path, process::Command};
use tempfile::TempDir;

/// Where its programs are, on Debian.
const PROGRAMS: &str = "/usr/lib/postfix/sbin";

/// The server.
#[derive(Debug)]
pub struct Postfix {
    /// Takes mails, with STARTTLS, from who signs in with an account of Dovecot's.
    pub port: u16,
    _process: Tied,
    folder: TempDir,
}

impl Postfix {
    /// Starts it in front of Dovecot, for these domains of Dovecot's.
    pub fn start(dovecot: &Dovecot, domains: &[&str]) -> Self {
        let ((folder, port), process) = come_up("Postfix", || {
            let folder = folder("renewals-postfix-");
            let port = free_port();
            prepare(folder.path(), dovecot, domains, port);
            let at = folder.path().display();
            let log = folder.path().join("output");
            let command = format!("sh -c 'postfix -c {at}/etc check; exec {PROGRAMS}/master -c {at}/etc -d'");
            let process = Tied::start(&command, &log);
            ((folder, port), process, port, log)
        });
        Self { port, _process: process, folder }
    }

    /// Tries at once what waits.
    pub fn flush(&self) {
        let flushed = Command::new("postqueue").arg("-c").arg(self.folder.path().join("etc")).arg("-f").status();
        assert!(flushed.expect("postqueue").success());
    }

    /// What it said.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

fn prepare(folder: &Path, dovecot: &Dovecot, domains: &[&str], port: u16) {
    for name in ["etc", "spool", "data"] {
        fs::create_dir(folder.join(name)).expect("a folder");
    }
    std::os::unix::fs::chown(folder.join("data"), Some(dovecot::user("postfix")), None).expect("an owner");
    let at = folder.display();
    let config = format!(
        "compatibility_level = 3.6
queue_directory = {at}/spool
data_directory = {at}/data
command_directory = /usr/sbin
daemon_directory = {PROGRAMS}
mail_owner = postfix
setgid_group = postdrop
myhostname = mx.renewals.test
mydestination =
mynetworks =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtpd_peername_lookup = no
smtpd_tls_security_level = may
smtpd_tls_chain_files = {key}, {certificate}
smtpd_tls_auth_only = yes
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = {sasl}
smtpd_relay_restrictions = permit_sasl_authenticated, reject
virtual_mailbox_domains = {domains}
virtual_transport = lmtp:unix:{lmtp}
transport_maps = inline:{{ {{slow.test=smtp:[127.0.0.1]:9}} }}
default_transport = discard:
delay_warning_time = 1s
minimal_backoff_time = 1s
maximal_backoff_time = 2s
queue_run_delay = 1s
message_size_limit = 10485760
maillog_file_prefixes = /tmp
maillog_file = {at}/log
",
        key = key().display(),
        certificate = certificate().display(),
        sasl = dovecot.sasl().display(),
        lmtp = dovecot.lmtp().display(),
        domains = domains.join(", "),
    );
    fs::write(folder.join("etc/main.cf"), config).expect("a file");
    let services = format!(
        "127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 1 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
virtual unix - n n - - virtual
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"
    );
    fs::write(folder.join("etc/master.cf"), services).expect("a file");
}
