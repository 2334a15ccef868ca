//! The table of routes: one element a resource, the document of all of them, and the edge around it.
//!
//! A new resource is one file and one element of [`resources`]; past sixteen, an element is a tuple itself.

use crate::{
    audit,
    auth::{AuthApi, ConfirmApi, JoiningApi, MfaApi, OidcApi, PasswordsApi, SessionsApi, VerifyApi},
    book,
    campaigns::{
        CampaignControlApi, CampaignDraftsApi, CampaignFiguresApi, CampaignTrialsApi, CampaignsApi, SequencesApi,
    },
    communication, consent, docs, edge,
    health::HealthApi,
    jobs::JobsApi,
    live, nullable, people, public,
    queues::QueuesApi,
    segments,
    state::SharedState,
    templates::TemplatesApi,
    uploads, webhooks, whatsapp,
};
use poem::{EndpointExt, Response, Route, endpoint::BoxEndpoint, get, http::HeaderValue};
use poem_openapi::{OpenApi, OpenApiService};
use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

/// Every resource.
fn resources() -> impl OpenApi + 'static {
    (
        HealthApi::started(),
        (AuthApi, SessionsApi, PasswordsApi, JoiningApi, (ConfirmApi, MfaApi, VerifyApi, OidcApi)),
        people::api(),
        audit::api(),
        uploads::api(),
        book::api(),
        (TemplatesApi, whatsapp::api()),
        (
            (CampaignsApi, CampaignDraftsApi, CampaignControlApi, CampaignTrialsApi),
            CampaignFiguresApi,
            SequencesApi,
            segments::api(),
        ),
        communication::api(),
        (consent::api(), public::api()),
        webhooks::api(),
        JobsApi,
        QueuesApi,
    )
}

fn service() -> OpenApiService<impl OpenApi + 'static, ()> {
    OpenApiService::new(resources(), "Intelipro Renewals", env!("CARGO_PKG_VERSION"))
        .description(include_str!("description.md"))
        .server("/")
}

/// The OpenAPI document.
pub fn document() -> String {
    nullable::marked(&service().spec())
}

/// The whole API as one endpoint.
pub fn app(state: SharedState) -> BoxEndpoint<'static, Response> {
    let service = service();
    let routes = Route::new()
        .at("/api/openapi.json", get(docs::document(nullable::marked(&service.spec()))))
        .at("/api/docs", get(docs::page(service.swagger_ui_html())))
        .at("/api/live", get(poem::endpoint::make(live::open)))
        .nest("/", service)
        .map_to_response();
    edge::around(routes, &state, edge::Methods(Arc::new(methods(&resources()))))
}

/// What each route answers to, by its pattern as poem writes it.
fn methods<T: OpenApi>(_resources: &T) -> HashMap<String, HeaderValue> {
    let mut methods: HashMap<String, BTreeSet<String>> = HashMap::new();
    for path in T::meta().into_iter().flat_map(|api| api.paths) {
        let allowed = methods.entry(pattern(&path.path)).or_default();
        for operation in path.operations {
            allowed.insert(operation.method.to_string());
            if operation.method == poem::http::Method::GET {
                allowed.insert("HEAD".to_owned());
            }
        }
    }
    for own in ["/api/openapi.json", "/api/docs", "/api/live"] {
        methods.insert(own.to_owned(), BTreeSet::from(["GET".to_owned(), "HEAD".to_owned()]));
    }
    let allow = |allowed: BTreeSet<String>| allowed.into_iter().collect::<Vec<_>>().join(", ");
    methods.into_iter().filter_map(|(path, allowed)| Some((path, allow(allowed).try_into().ok()?))).collect()
}

/// `/api/jobs/{id}` as `/api/jobs/:param0`.
fn pattern(path: &str) -> String {
    let mut count = 0;
    let segments = path.split('/').map(|segment| {
        if segment.starts_with('{') {
            count += 1;
            format!(":param{}", count - 1)
        } else {
            segment.to_owned()
        }
    });
    segments.collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths<T: OpenApi>(_resources: &T) -> Vec<String> {
        T::meta().into_iter().flat_map(|api| api.paths).map(|path| path.path).collect()
    }

    // of two resources that share a path, readers of the document see the operations of one
    #[test]
    fn each_path_is_of_one_resource() {
        let mut known = BTreeSet::new();
        for path in paths(&resources()) {
            assert!(known.insert(path.clone()), "{path}");
        }
    }
}
