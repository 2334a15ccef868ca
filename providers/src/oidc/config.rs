//! Settings of single sign-on. All faults are reported at once, by the name of the variable.

use crate::config::{ConfigFault, Settings};
use secrecy::SecretString;
use url::{Host, Url};

/// One issuer, and who we are to it.
#[derive(Debug, Clone)]
pub struct OidcConfig {
    /// What it is called in paths: `auth0`, `cognito` or `oidc`.
    pub key: &'static str,
    /// What people read.
    pub name: String,
    /// Where it is.
    pub issuer: Url,
    /// Who we are to it.
    pub client_id: String,
    /// `None`: a public client.
    pub client_secret: Option<SecretString>,
    /// What access tokens are asked for; Auth0.
    pub audience: Option<String>,
    /// The claim that names the groups somebody is in.
    pub groups_claim: String,
}

/// Single sign-on.
#[derive(Debug, Clone, Default)]
pub struct OidcSettings {
    /// The issuers.
    pub providers: Vec<OidcConfig>,
    /// `OIDC_REDIRECT_URL`: what browsers know us by.
    pub public_base: Option<Url>,
    /// `OIDC_ROLE_MAP`: a group and the role it stands for; the first that somebody is in counts.
    pub role_map: Vec<(String, String)>,
    /// `OIDC_CREATE_USERS`: whether somebody who has no account gets one.
    pub create_users: bool,
}

impl OidcSettings {
    /// Reads the settings; no issuer is configured unless one of its variables is set.
    pub fn from_env(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, Vec<ConfigFault>> {
        let mut settings = Settings::new(lookup);
        let providers: Vec<_> =
            [auth0(&mut settings), cognito(&mut settings), generic(&mut settings)].into_iter().flatten().collect();
        let public_base = settings.optional("OIDC_REDIRECT_URL").and_then(|text| {
            let base = allowed(&text).filter(|base| base.query().is_none() && base.fragment().is_none());
            if base.is_none() {
                settings.fault(
                    "OIDC_REDIRECT_URL",
                    "expected the public address of this API, such as https://renewals.example",
                );
            }
            base
        });
        if public_base.is_none() && !providers.is_empty() && settings.optional("OIDC_REDIRECT_URL").is_none() {
            settings.fault("OIDC_REDIRECT_URL", "is not set; single sign-on comes back to this address");
        }
        let role_map = settings.optional("OIDC_ROLE_MAP").unwrap_or_default();
        let role_map = pairs(&role_map).unwrap_or_else(|| {
            settings.fault("OIDC_ROLE_MAP", "expected group=role, separated by commas");
            Vec::new()
        });
        let create_users = settings.parsed("OIDC_CREATE_USERS", false, "true or false", |_| true);
        settings.finish(Self { providers, public_base, role_map, create_users })
    }
}

fn auth0(settings: &mut Settings<'_>) -> Option<OidcConfig> {
    let names = ["AUTH0_DOMAIN", "AUTH0_CLIENT_ID", "AUTH0_CLIENT_SECRET", "AUTH0_AUDIENCE"];
    if names.iter().all(|name| settings.optional(name).is_none()) {
        return None;
    }
    let domain = settings.required("AUTH0_DOMAIN", "Auth0 needs it, such as tenant.eu.auth0.com");
    // Auth0's name for itself ends in a slash
    let issuer =
        issuer(settings, "AUTH0_DOMAIN", &format!("https://{domain}/"), "a domain such as tenant.eu.auth0.com");
    let client_id = settings.required("AUTH0_CLIENT_ID", "Auth0 needs it");
    let client_secret = settings.required("AUTH0_CLIENT_SECRET", "Auth0 needs it");
    Some(OidcConfig {
        key: "auth0",
        name: "Auth0".to_owned(),
        issuer: issuer?,
        client_id,
        client_secret: Some(client_secret.into()),
        audience: settings.optional("AUTH0_AUDIENCE"),
        groups_claim: groups_claim(settings, "groups"),
    })
}

fn cognito(settings: &mut Settings<'_>) -> Option<OidcConfig> {
    let names = ["COGNITO_USER_POOL_ID", "COGNITO_CLIENT_ID", "COGNITO_CLIENT_SECRET"];
    if names.iter().all(|name| settings.optional(name).is_none()) {
        return None;
    }
    let region = settings.required("AWS_REGION", "Cognito needs it");
    let pool = settings.required("COGNITO_USER_POOL_ID", "Cognito needs it, such as eu-west-1_AbCdEf");
    let text = format!("https://cognito-idp.{region}.amazonaws.com/{pool}");
    let issuer = issuer(settings, "COGNITO_USER_POOL_ID", &text, "a pool's id such as eu-west-1_AbCdEf");
    let client_id = settings.required("COGNITO_CLIENT_ID", "Cognito needs it");
    Some(OidcConfig {
        key: "cognito",
        name: "AWS Cognito".to_owned(),
        issuer: issuer?,
        client_id,
        client_secret: settings.optional("COGNITO_CLIENT_SECRET").map(SecretString::from),
        audience: None,
        groups_claim: groups_claim(settings, "cognito:groups"),
    })
}

fn generic(settings: &mut Settings<'_>) -> Option<OidcConfig> {
    let names = ["OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET"];
    if names.iter().all(|name| settings.optional(name).is_none()) {
        return None;
    }
    let text = settings.required("OIDC_ISSUER", "single sign-on needs it, such as https://login.example");
    let issuer = issuer(settings, "OIDC_ISSUER", &text, "an https address such as https://login.example");
    let client_id = settings.required("OIDC_CLIENT_ID", "single sign-on needs it");
    Some(OidcConfig {
        key: "oidc",
        name: settings.optional("OIDC_NAME").unwrap_or_else(|| "Single sign-on".to_owned()),
        issuer: issuer?,
        client_id,
        client_secret: settings.optional("OIDC_CLIENT_SECRET").map(SecretString::from),
        audience: None,
        groups_claim: groups_claim(settings, "groups"),
    })
}

fn groups_claim(settings: &Settings<'_>, default: &str) -> String {
    settings.optional("OIDC_GROUPS_CLAIM").unwrap_or_else(|| default.to_owned())
}

fn issuer(settings: &mut Settings<'_>, variable: &'static str, text: &str, expected: &str) -> Option<Url> {
    // what is not set has been told
    settings.optional(variable)?;
    let issuer = allowed(text).filter(|issuer| issuer.query().is_none() && issuer.fragment().is_none());
    if issuer.is_none() {
        settings.fault(variable, format!("expected {expected}"));
    }
    issuer
}

/// An address that may be called: encrypted, or of this machine.
pub(super) fn allowed(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let may = match url.scheme() {
        "https" => true,
        "http" => is_loopback(&url),
        _ => false,
    };
    (may && url.username().is_empty() && url.password().is_none()).then_some(url)
}

/// Whether an address is of this machine.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    let listed = text.split(',').map(str::trim).filter(|pair| !pair.is_empty());
    let pair = |pair: &str| {
        let (group, role) = pair.rsplit_once('=')?;
        let (group, role) = (group.trim(), role.trim());
        (!group.is_empty() && !role.is_empty()).then(|| (group.to_owned(), role.to_owned()))
    };
    listed.map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[(&str, &str)]) -> Result<OidcSettings, Vec<&'static str>> {
        let lookup = |name: &str| values.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        OidcSettings::from_env(&lookup).map_err(|faults| faults.iter().map(|fault| fault.variable).collect())
    }

    #[test]
    fn each_service_has_its_issuer() {
        let settings = read(&[
            ("AUTH0_DOMAIN", "tenant.eu.auth0.com"),
            ("AUTH0_CLIENT_ID", "a"),
            ("AUTH0_CLIENT_SECRET", "s"),
            ("AUTH0_AUDIENCE", "https://api.example"),
            ("AWS_REGION", "eu-west-1"),
            ("COGNITO_USER_POOL_ID", "eu-west-1_AbC"),
            ("COGNITO_CLIENT_ID", "c"),
            ("OIDC_ISSUER", "http://127.0.0.1:9000"),
            ("OIDC_CLIENT_ID", "o"),
            ("OIDC_REDIRECT_URL", "https://renewals.example"),
            ("OIDC_ROLE_MAP", "staff, admins = administrator"),
        ]);
        assert_eq!(settings.unwrap_err(), ["OIDC_ROLE_MAP"]);
        let settings = read(&[
            ("AUTH0_DOMAIN", "tenant.eu.auth0.com"),
            ("AUTH0_CLIENT_ID", "a"),
            ("AUTH0_CLIENT_SECRET", "s"),
            ("AWS_REGION", "eu-west-1"),
            ("COGNITO_USER_POOL_ID", "eu-west-1_AbC"),
            ("COGNITO_CLIENT_ID", "c"),
            ("OIDC_REDIRECT_URL", "https://renewals.example"),
            ("OIDC_ROLE_MAP", "staff=agent, admins = administrator"),
        ])
        .unwrap();
        let issuers: Vec<_> = settings.providers.iter().map(|provider| provider.issuer.as_str()).collect();
        assert_eq!(
            issuers,
            ["https://tenant.eu.auth0.com/", "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbC"]
        );
        let claims: Vec<_> = settings.providers.iter().map(|provider| provider.groups_claim.as_str()).collect();
        assert_eq!(claims, ["groups", "cognito:groups"]);
        assert_eq!(settings.role_map[1], ("admins".to_owned(), "administrator".to_owned()));
    }

    #[test]
    fn what_is_missing_is_told_at_once_and_nothing_is_needed_without_an_issuer() {
        assert!(read(&[("AWS_REGION", "eu-west-1")]).unwrap().providers.is_empty());
        let faults =
            read(&[("AUTH0_CLIENT_ID", "a"), ("OIDC_ISSUER", "http://login.example"), ("OIDC_CREATE_USERS", "1")]);
        assert_eq!(
            faults.unwrap_err(),
            ["AUTH0_DOMAIN", "AUTH0_CLIENT_SECRET", "OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_CREATE_USERS"],
        );
        let no_base = read(&[("OIDC_ISSUER", "https://login.example"), ("OIDC_CLIENT_ID", "o")]);
        assert_eq!(no_base.unwrap_err(), ["OIDC_REDIRECT_URL"]);
    }
}
