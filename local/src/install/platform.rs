//! Which command installs a missing server on this platform.

use super::Requirement;

/// Families of platforms by their package manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Platform {
    Debian,
    Fedora,
    Suse,
    Arch,
    Alpine,
    MacOs,
    Other,
}

impl Platform {
    pub(crate) fn current() -> Self {
        if cfg!(target_os = "macos") {
            return Self::MacOs;
        }
        // https://www.freedesktop.org/software/systemd/man/os-release.html
        ["/etc/os-release", "/usr/lib/os-release"]
            .iter()
            .find_map(|path| std::fs::read_to_string(path).ok())
            .map_or(Self::Other, |text| Self::from_os_release(&text))
    }

    fn from_os_release(text: &str) -> Self {
        let value = |name: &str| {
            text.lines()
                .filter_map(|line| line.trim().split_once('='))
                .find(|(key, _)| *key == name)
                .map(|(_, value)| value.trim_matches(['"', '\'']).to_ascii_lowercase())
                .unwrap_or_default()
        };
        let (own, like) = (value("ID"), value("ID_LIKE"));
        std::iter::once(own.as_str())
            .chain(like.split_whitespace())
            .find_map(|id| match id {
                "debian" | "ubuntu" => Some(Self::Debian),
                "fedora" | "rhel" | "centos" | "rocky" | "almalinux" | "amzn" => Some(Self::Fedora),
                "suse" | "opensuse" | "sles" => Some(Self::Suse),
                "arch" => Some(Self::Arch),
                "alpine" => Some(Self::Alpine),
                _ => None,
            })
            .unwrap_or(Self::Other)
    }

    /// The command, ready to be pasted.
    pub(crate) fn install_command(self, requirement: Requirement) -> &'static str {
        match (self, requirement) {
            (Self::Debian, Requirement::Postgres) => "apt-get install postgresql",
            (Self::Debian, Requirement::Redis) => "apt-get install redis-server",
            (Self::Fedora, Requirement::Postgres) => "dnf install postgresql-server",
            (Self::Fedora, Requirement::Redis) => "dnf install valkey (or redis)",
            (Self::Suse, Requirement::Postgres) => "zypper install postgresql-server",
            (Self::Suse, Requirement::Redis) => "zypper install valkey (or redis)",
            (Self::Arch, Requirement::Postgres) => "pacman -S postgresql",
            (Self::Arch, Requirement::Redis) => "pacman -S valkey",
            (Self::Alpine, Requirement::Postgres) => "apk add postgresql",
            (Self::Alpine, Requirement::Redis) => "apk add redis",
            (Self::MacOs, Requirement::Postgres) => "brew install postgresql@17",
            (Self::MacOs, Requirement::Redis) => "brew install redis",
            (Self::Other, Requirement::Postgres) => "your system's package of the PostgreSQL server",
            (Self::Other, Requirement::Redis) => "your system's package of Redis or Valkey",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platforms_are_told_from_os_release() {
        for (text, expected) in [
            ("PRETTY_NAME=\"Debian GNU/Linux 12\"\nID=debian\n", Platform::Debian),
            ("ID=ubuntu\nID_LIKE=debian\n", Platform::Debian),
            ("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n", Platform::Debian),
            ("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n", Platform::Fedora),
            ("ID=fedora\n", Platform::Fedora),
            ("ID=alpine\n", Platform::Alpine),
            ("ID=\"opensuse-leap\"\nID_LIKE=\"suse opensuse\"\n", Platform::Suse),
            ("ID=plan9\n", Platform::Other),
            ("", Platform::Other),
        ] {
            assert_eq!(Platform::from_os_release(text), expected, "{text}");
        }
    }
}
