//! How people come in, and how their sessions end.
//!
//! Reading a stored name fails with [`UnknownName`](crate::text_enum::UnknownName).

use crate::text_enum::text_enum;

text_enum! {
    /// How a session began.
    pub enum SignInMethod {
        /// With a password.
        Password = "password",
        /// Through another service's sign-in (OpenID Connect).
        Oidc = "oidc",
        /// By accepting an invitation.
        Invitation = "invitation",
    }
}

text_enum! {
    /// Why a session ended before its time.
    pub enum SessionEnd {
        /// Its holder signed out.
        SignedOut = "signed_out",
        /// Its holder ended it from another device.
        Revoked = "revoked",
        /// A refresh token was shown twice.
        Reused = "reused",
        /// The password was changed.
        PasswordChanged = "password_changed",
        /// The account was suspended.
        Suspended = "suspended",
        /// The role was changed.
        RoleChanged = "role_changed",
        /// An administrator ended it.
        Administrator = "administrator",
    }
}

text_enum! {
    /// What happened to an account, as its holder and an administrator read it.
    pub enum SecurityEventKind {
        /// Somebody came in.
        SignedIn = "signed_in",
        /// Somebody who was in showed again that it is them.
        Confirmed = "confirmed",
        /// Somebody came in from a device that was not known.
        NewDevice = "new_device",
        /// A wrong password or code.
        SignInFailed = "sign_in_failed",
        /// Too many wrong ones: strangers have to wait.
        Locked = "locked",
        /// An administrator let strangers try again.
        Unlocked = "unlocked",
        /// A refresh token was shown twice, and the session ended.
        TokenReused = "token_reused",
        /// Sessions were ended.
        SessionsEnded = "sessions_ended",
        /// A new password was asked for.
        PasswordResetAsked = "password_reset_asked",
        /// The password was changed.
        PasswordChanged = "password_changed",
        /// A second factor was set up.
        MfaEnabled = "mfa_enabled",
        /// The second factor was taken away.
        MfaDisabled = "mfa_disabled",
        /// A recovery code was used.
        RecoveryCodeUsed = "recovery_code_used",
        /// New recovery codes were made.
        RecoveryCodesMade = "recovery_codes_made",
        /// An identity of another service was linked.
        IdentityLinked = "identity_linked",
        /// A key for a machine was made.
        ApiKeyMade = "api_key_made",
        /// A key for a machine was revoked.
        ApiKeyRevoked = "api_key_revoked",
    }
}

text_enum! {
    /// What a mail to an account's holder is about.
    pub enum AccountMail {
        /// An account was opened for them: the link chooses its password.
        Invitation = "invitation",
        /// They forgot their password: the link chooses another.
        PasswordReset = "password_reset",
        /// Their password was changed.
        PasswordChanged = "password_changed",
        /// Somebody came in from a device that was not known.
        NewDevice = "new_device",
        /// A refresh token was shown twice, and the session ended.
        TokenReused = "token_reused",
        /// Too many wrong passwords.
        Locked = "locked",
        /// A second factor was set up.
        MfaEnabled = "mfa_enabled",
        /// The second factor was taken away.
        MfaDisabled = "mfa_disabled",
        /// Somebody wanted to open an account for an address that has one.
        AddressTaken = "address_taken",
    }
}

text_enum! {
    /// What a token that was sent by mail is good for, once.
    pub enum AccountTokenPurpose {
        /// Choosing another password.
        PasswordReset = "password_reset",
        /// Choosing the first password.
        Invitation = "invitation",
    }
}

/// Whether a text is a path of this site: what somebody may be sent to after a sign-in. Whatever a browser could read as
/// another site's address (`//host`, `/\\host`, with tabs and line breaks in it) is not.
pub fn is_local_path(text: &str) -> bool {
    let rest = text.strip_prefix('/');
    rest.is_some_and(|rest| !rest.starts_with('/'))
        && text.chars().all(|character| character.is_ascii_graphic() && character != '\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_sites_own_pages_are_returned_to() {
        for own in ["/", "/cases", "/cases?page=2#top", "/a//b", "/%2F%2Fhost"] {
            assert!(is_local_path(own), "{own}");
        }
        let foreign = [
            "",
            "cases",
            "//host",
            "///host",
            "/\\host",
            "\\\\host",
            "https://host",
            "/\thost",
            "/\n/host",
            " /",
            "/é",
        ];
        for other in foreign {
            assert!(!is_local_path(other), "{other:?}");
        }
    }
}
