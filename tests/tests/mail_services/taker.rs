//! A server on a free port that takes every call and answers as told.

use poem::{
    Request, Response,
    endpoint::make,
    http::{HeaderMap, StatusCode},
    listener::{Acceptor, Listener, TcpListener},
};
use std::sync::{Arc, Mutex};
use tokio::task::JoinHandle;

/// A call that was taken.
#[derive(Debug, Clone)]
pub struct Call {
    pub path: String,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

/// What is answered.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

/// The server; it ends with this value.
pub struct Taker {
    pub url: String,
    calls: Arc<Mutex<Vec<Call>>>,
    task: JoinHandle<()>,
}

impl Taker {
    /// Answers each call by its path.
    pub async fn start(answer: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Self {
        tests::base::install_crypto();
        let acceptor = TcpListener::bind("127.0.0.1:0").into_acceptor().await.unwrap();
        let address = acceptor.local_addr()[0].as_socket_addr().copied().unwrap();
        let calls = Arc::new(Mutex::new(Vec::new()));
        let (taken, answer) = (Arc::clone(&calls), Arc::new(answer));
        let endpoint = make(move |request: Request| {
            let (taken, answer) = (Arc::clone(&taken), Arc::clone(&answer));
            async move { Ok::<_, poem::Error>(take(request, &taken, &*answer).await) }
        });
        let task = tokio::spawn(async move {
            poem::Server::new_with_acceptor(acceptor).run(endpoint).await.unwrap();
        });
        Self { url: format!("http://{address}"), calls, task }
    }

    /// What came so far.
    pub fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }
}

impl Drop for Taker {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn take(mut request: Request, calls: &Mutex<Vec<Call>>, answer: &(dyn Fn(&str) -> Answer + Sync)) -> Response {
    let path = request.original_uri().path_and_query().map(ToString::to_string).unwrap_or_default();
    let body = request.take_body().into_vec().await.unwrap();
    let answer = answer(&path);
    calls.lock().unwrap().push(Call { path, headers: request.headers().clone(), body });
    let mut response = Response::builder().status(StatusCode::from_u16(answer.status).unwrap());
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    response.body(answer.body)
}
