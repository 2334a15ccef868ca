//! Puts paths in order before they are routed: trailing and repeated slashes go, and of two names for the same thing
//! the second becomes the first. So every path answers with and without its trailing slash.
//!
//! A path that cannot be rewritten is passed on as it came and answered 404 by the router.

use poem::{Endpoint, Request, Response, Result, http::Uri};
use std::{borrow::Cow, sync::Arc};

/// Prefixes that mean the same: what may be asked for, and what the routes are called.
const ALIASES: &[(&str, &str)] = &[("/api/communications", "/api/communication")];

/// Routes the request by its path in order.
pub async fn put_in_order<E: Endpoint<Output = Response>>(next: Arc<E>, mut request: Request) -> Result<Response> {
    if let Cow::Owned(path) = in_order(request.uri().path())
        && let Some(uri) = with_path(request.uri(), &path)
    {
        *request.uri_mut() = uri;
    }
    next.call(request).await
}

fn in_order(path: &str) -> Cow<'_, str> {
    let mut ordered = Cow::Borrowed(path);
    if path.len() > 1 && (path.ends_with('/') || path.contains("//")) {
        let segments = path.split('/').filter(|segment| !segment.is_empty());
        ordered = segments.fold(String::new(), |path, segment| path + "/" + segment).into();
        if ordered.is_empty() {
            ordered = Cow::Owned("/".to_owned());
        }
    }
    let alias = ALIASES.iter().find_map(|(from, to)| {
        let rest = ordered.strip_prefix(from).filter(|rest| rest.is_empty() || rest.starts_with('/'))?;
        Some(format!("{to}{rest}"))
    });
    alias.map_or(ordered, Cow::Owned)
}

fn with_path(uri: &Uri, path: &str) -> Option<Uri> {
    let mut parts = uri.clone().into_parts();
    let text = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    parts.path_and_query = Some(text.try_into().ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slashes_and_aliases() {
        for (given, expected) in [
            ("/", "/"),
            ("//", "/"),
            ("/health/", "/health"),
            ("/api//jobs///x/", "/api/jobs/x"),
            ("/api/communications/sms/send/", "/api/communication/sms/send"),
            ("/api/communications", "/api/communication"),
            ("/api/communicationsx", "/api/communicationsx"),
            ("/api/communication/sms/send", "/api/communication/sms/send"),
            ("*", "*"),
        ] {
            assert_eq!(in_order(given), expected, "{given}");
        }
    }

    #[test]
    fn the_query_stays() {
        let uri = with_path(&Uri::from_static("/a/?x=1&y=%2F"), "/a").unwrap();
        assert_eq!(uri, "/a?x=1&y=%2F");
    }
}
