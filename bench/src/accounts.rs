//! Signing in, against the password hash it rests on; and an authorised request, against the same without a caller.

use crate::ground::Ground;
use crate::report::{Report, per_second, percent, thousands};
use api::{ApiConfig, ApiState, SharedState, edge};
use domain::permissions::{Permission, Reach, SystemRole};
use jobs::process::{build, config::load};
use jobs::security::password;
use poem::{
    Endpoint, EndpointExt, Request, Response, Route,
    endpoint::BoxEndpoint,
    get, handler,
    http::{Method, StatusCode, header},
    web::Data,
};
use schema::book::{Part, customers};
use schema::people::{roles, users};
use serde_json::json;
use std::sync::Arc;
use std::time::Instant;

const PASSWORD: &str = "correct horse battery staple";
/// Callers at once.
const CALLERS: usize = 16;

/// Measures `logins`, and twenty times as many requests.
pub async fn run(logins: usize, report: &mut Report) -> anyhow::Result<()> {
    let ground = Ground::new().await?;
    let environment = ground.environment();
    let unlimited =
        ["RATE_LIMIT_AUTH", "RATE_LIMIT_READ", "RATE_LIMIT_WRITE"].map(|name| (name, "1000000/s".to_owned()));
    let lookup = |name: &str| {
        let given = environment.iter().chain(&unlimited).find(|(known, _)| *known == name);
        given.map(|(_, value)| value.clone())
    };
    let config: ApiConfig = load(&lookup, ApiConfig::read)?;
    let state = ApiState::new(config.clone(), build::services(&config.services)?)?;
    let hash = password::hash_password(&PASSWORD.into()).await?;
    for number in 0..CALLERS {
        add_user(&state, &email(number), &hash).await?;
    }
    sign_in(&state, &hash, logins, report).await?;
    ask(&ground, &state, logins * 20, report).await
}

fn email(number: usize) -> String {
    format!("caller{number}@example.com")
}

async fn add_user(state: &SharedState, email: &str, password_hash: &str) -> anyhow::Result<()> {
    let mut connection = state.services.db.get().await?;
    roles::add_system_roles(&mut connection).await?;
    let role = roles::by_name(&mut connection, SystemRole::OperationsManager.as_str()).await?;
    let role = role.ok_or_else(|| anyhow::anyhow!("there is no such role"))?;
    let (first_name, last_name) = ("Test", "User");
    users::create(&mut connection, &users::NewUser { email, password_hash, first_name, last_name, role, branch: None })
        .await?;
    Ok(())
}

/// Does `count` things by [`CALLERS`] at once; how many a second.
async fn rate<F, Fut>(count: usize, work: F) -> anyhow::Result<f64>
where
    F: Fn(usize) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = anyhow::Result<()>> + Send,
{
    let begun = Instant::now();
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let work = work.clone();
            tokio::spawn(async move {
                for _ in 0..count / CALLERS {
                    work(caller).await?;
                }
                anyhow::Ok(())
            })
        })
        .collect();
    for caller in callers {
        caller.await??;
    }
    Ok(per_second(count / CALLERS * CALLERS, begun.elapsed().as_secs_f64()))
}

async fn sign_in(state: &SharedState, hash: &str, count: usize, report: &mut Report) -> anyhow::Result<()> {
    let app = Arc::new(api::app(Arc::clone(state)));
    let hash = hash.to_owned();
    let bare = rate(count, move |_| {
        let hash = hash.clone();
        async move {
            anyhow::ensure!(password::verify_password(&PASSWORD.into(), Some(&hash)).await?, "the password is right");
            Ok(())
        }
    })
    .await?;
    let logins = rate(count, move |caller| {
        let body = json!({"email": email(caller), "password": PASSWORD}).to_string();
        let request = Request::builder().method(Method::POST).uri_str("/api/auth/login");
        let request = request.header(header::CONTENT_TYPE, "application/json").body(body);
        let app = Arc::clone(&app);
        async move { answered(&app, request).await }
    })
    .await?;
    let share = percent(logins, bare);
    report.add("sign-ins a second", thousands(logins), format!("{share} of bare Argon2id ({})", thousands(bare)));
    Ok(())
}

async fn answered(app: &BoxEndpoint<'static, Response>, request: Request) -> anyhow::Result<()> {
    let response = app.get_response(request).await;
    anyhow::ensure!(response.status() == StatusCode::OK, "answered {}", response.status());
    Ok(())
}

/// The work of a small list: a query and its rows.
async fn listed(state: &SharedState) -> Result<String, api::ApiError> {
    let mut connection = state.services.db.get().await?;
    let part = Part { offset: 0, limit: 20, count_cap: 10_000 };
    let (rows, counted) =
        customers::list(&mut connection, Reach::All, &customers::CustomerFilter::default(), part).await?;
    Ok(format!("{} of {counted}", rows.len()))
}

#[handler]
async fn open(state: Data<&SharedState>) -> poem::Result<String> {
    Ok(listed(&state).await?)
}

#[handler]
async fn guarded(request: &Request, state: Data<&SharedState>) -> poem::Result<String> {
    let caller = api::auth::guard::authenticate(request).await?;
    if !caller.may(Permission::CustomersView) {
        return Err(StatusCode::FORBIDDEN.into());
    }
    Ok(listed(&state).await?)
}

async fn ask(ground: &Ground, state: &SharedState, count: usize, report: &mut Report) -> anyhow::Result<()> {
    let fill = "INSERT INTO customers (customer_code, first_name, last_name, email, phone) \
                SELECT 'C' || n, 'First' || n, 'Last' || n, 'person' || n || '@example.com', '+9198' || lpad(n::text, 8, '0') \
                FROM generate_series(1, 1000) n";
    ground.connect().await?.batch_execute(fill).await?;
    let routes = Route::new().at("/open", get(open)).at("/guarded", get(guarded)).map_to_response();
    let app = Arc::new(edge::around(routes, state, edge::Methods::default()));
    let token = token(state).await?;
    let mut figures = [0.0_f64; 2];
    // in turns, so that neither is the one that finds the machine warm
    for _ in 0..3 {
        for (figure, path) in figures.iter_mut().zip(["/open", "/guarded"]) {
            let (app, token) = (Arc::clone(&app), token.clone());
            let once = rate(count / 3, move |_| {
                let request = Request::builder().uri_str(path);
                // a token that is sent is looked at, if only to count its caller's requests
                let request = if path == "/open" { request } else { request.header(header::AUTHORIZATION, &token) };
                let request = request.finish();
                let app = Arc::clone(&app);
                async move { answered(&app, request).await }
            });
            *figure = figure.max(once.await?);
        }
    }
    let [bare, authorised] = figures;
    let against = format!("{} of the same without a caller ({})", percent(authorised, bare), thousands(bare));
    report.add("authorised requests a second", thousands(authorised), against);
    Ok(())
}

/// The header of somebody who is signed in.
async fn token(state: &SharedState) -> anyhow::Result<String> {
    let body = json!({"email": email(0), "password": PASSWORD}).to_string();
    let request = Request::builder().method(Method::POST).uri_str("/api/auth/login");
    let request = request.header(header::CONTENT_TYPE, "application/json").body(body);
    let mut response = api::app(Arc::clone(state)).get_response(request).await;
    let answer: serde_json::Value = serde_json::from_slice(&response.take_body().into_vec().await?)?;
    let token = answer["data"]["token"].as_str().ok_or_else(|| anyhow::anyhow!("no token: {answer}"))?;
    Ok(format!("Bearer {token}"))
}
