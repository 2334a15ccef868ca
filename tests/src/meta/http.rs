//! As much of HTTP/1.1 as the stand-in needs: it must be able to cut a connection at any point, which servers forbid.

use anyhow::{Result, bail};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// The longest head of a request, in bytes.
const HEAD_LIMIT: usize = 16 * 1024;
/// The longest body, in bytes.
const BODY_LIMIT: usize = 1024 * 1024;

/// A request that was read whole.
#[derive(Debug, Default)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub authorization: String,
    pub content_type: String,
    /// All headers, with names in small letters.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    length: usize,
}

impl Request {
    /// The first header of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// One caller's connection, kept alive between requests.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub(crate) fn new(stream: TcpStream) -> Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(4096) })
    }

    /// The next request; `None` when the caller has closed the connection.
    pub(crate) async fn read(&mut self) -> Result<Option<Request>> {
        let head_end = loop {
            if let Some(end) = find(&self.buffer, b"\r\n\r\n") {
                break end + 4;
            }
            if self.buffer.len() > HEAD_LIMIT {
                bail!("the head is too long");
            }
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Ok(None);
            }
        };
        let mut request = parse_head(&self.buffer[..head_end])?;
        let whole = head_end + request.length;
        while self.buffer.len() < whole {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Ok(None);
            }
        }
        request.body = self.buffer[head_end..whole].to_vec();
        self.buffer.drain(..whole);
        Ok(Some(request))
    }

    /// Answers with JSON.
    pub(crate) async fn answer(&mut self, status: u16, headers: &str, body: &[u8]) -> Result<()> {
        let length = body.len();
        let head = format!(
            "HTTP/1.1 {status} .\r\ncontent-type: application/json\r\n{headers}content-length: {length}\r\n\r\n"
        );
        let mut whole = head.into_bytes();
        whole.extend_from_slice(body);
        self.stream.write_all(&whole).await?;
        Ok(())
    }

    /// Cuts the connection without a word: the caller sees a reset.
    pub(crate) fn cut(self) -> Result<()> {
        self.stream.set_zero_linger()?;
        Ok(())
    }

    /// Waits until the caller gives up.
    pub(crate) async fn wait_for_end(&mut self) {
        let mut ignored = [0_u8; 256];
        while matches!(self.stream.read(&mut ignored).await, Ok(read) if read > 0) {}
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

fn parse_head(head: &[u8]) -> Result<Request> {
    let head = std::str::from_utf8(head)?;
    let mut lines = head.split("\r\n");
    let mut words = lines.next().unwrap_or_default().split(' ');
    let mut request = Request {
        method: words.next().unwrap_or_default().to_owned(),
        path: words.next().unwrap_or_default().to_owned(),
        ..Request::default()
    };
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        let (name, value) = (name.to_ascii_lowercase(), value.trim());
        match name.as_str() {
            "authorization" => request.authorization = value.to_owned(),
            "content-type" => request.content_type = value.to_owned(),
            "content-length" => request.length = value.parse()?,
            "transfer-encoding" => bail!("a body without a length"),
            _ => {}
        }
        request.headers.push((name, value.to_owned()));
    }
    if request.length > BODY_LIMIT {
        bail!("the body is too long");
    }
    Ok(request)
}
