//! Takes connections: without delay for small packets, no more at a time than can be served, and without spinning when
//! the system refuses more.
//!
//! A TLS handshake is made by the connection's own task when it first reads, so that a slow client holds up nobody else,
//! and is given up after some seconds.

use super::tls::{Certificate, TlsError};
use poem::{
    http::uri::Scheme,
    listener::Acceptor,
    web::{LocalAddr, RemoteAddr},
};
use std::{
    future::Future,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Sleep,
};
use tokio_rustls::{Accept, TlsAcceptor, server::TlsStream};

/// Connections at a time; the rest wait in the system's queue.
const MOST: usize = 10_000;
/// How long to wait when the system refuses a connection, as when file descriptors run out.
const PAUSE: Duration = Duration::from_millis(100);
/// A handshake takes this long at most.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// An acceptor of TCP, plain or under TLS.
pub struct TcpAcceptor {
    listener: TcpListener,
    slots: Arc<Semaphore>,
    tls: Option<TlsAcceptor>,
}

impl TcpAcceptor {
    /// Listens on an address; port 0 takes any free one.
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        Ok(Self { listener, slots: Arc::new(Semaphore::new(MOST)), tls: None })
    }

    /// Under TLS from now on.
    pub fn with_tls(mut self, certificate: &Arc<Certificate>) -> Result<Self, TlsError> {
        self.tls = Some(certificate.acceptor()?);
        Ok(self)
    }

    /// The address listened on.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

impl Acceptor for TcpAcceptor {
    type Io = Connection;

    fn local_addr(&self) -> Vec<LocalAddr> {
        self.listener.local_addr().map(|address| LocalAddr(address.into())).into_iter().collect()
    }

    async fn accept(&mut self) -> io::Result<(Connection, LocalAddr, RemoteAddr, Scheme)> {
        let slot = Arc::clone(&self.slots).acquire_owned().await.map_err(io::Error::other)?;
        let (stream, peer) = match self.listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection was refused by the system");
                tokio::time::sleep(PAUSE).await;
                return Err(error);
            }
        };
        stream.set_nodelay(true)?;
        let local = stream.local_addr()?;
        let (stream, scheme) = match &self.tls {
            None => (Stream::Plain(stream), Scheme::HTTP),
            Some(tls) => {
                let given_up = Box::pin(tokio::time::sleep(HANDSHAKE));
                (Stream::Handshake(Box::new(tls.accept(stream)), given_up), Scheme::HTTPS)
            }
        };
        Ok((Connection { stream, _slot: slot }, LocalAddr(local.into()), RemoteAddr(peer.into()), scheme))
    }
}

enum Stream {
    Plain(TcpStream),
    Handshake(Box<Accept<TcpStream>>, Pin<Box<Sleep>>),
    Tls(Box<TlsStream<TcpStream>>),
}

/// A connection; its slot is free again when it is dropped.
pub struct Connection {
    stream: Stream,
    _slot: OwnedSemaphorePermit,
}

/// What bytes go over, once there is something.
trait Bytes: AsyncRead + AsyncWrite + Unpin {}

impl<T: AsyncRead + AsyncWrite + Unpin> Bytes for T {}

impl Connection {
    /// Goes on with the handshake, if there is one to be made.
    fn ready(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<&mut dyn Bytes>> {
        if let Stream::Handshake(accept, given_up) = &mut self.stream {
            if given_up.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the TLS handshake took too long")));
            }
            let stream = ready!(Pin::new(accept.as_mut()).poll(cx))?;
            self.stream = Stream::Tls(Box::new(stream));
        }
        match &mut self.stream {
            Stream::Plain(stream) => Poll::Ready(Ok(stream)),
            Stream::Tls(stream) => Poll::Ready(Ok(stream.as_mut())),
            Stream::Handshake(..) => Poll::Pending,
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let stream = ready!(self.ready(cx))?;
        Pin::new(stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let stream = ready!(self.ready(cx))?;
        Pin::new(stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let stream = ready!(self.ready(cx))?;
        Pin::new(stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
            // nobody is there yet to be told
            Stream::Handshake(..) => Poll::Ready(Ok(())),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let stream = ready!(self.ready(cx))?;
        Pin::new(stream).poll_write_vectored(cx, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        match &self.stream {
            Stream::Plain(stream) => stream.is_write_vectored(),
            Stream::Tls(stream) => stream.is_write_vectored(),
            Stream::Handshake(..) => false,
        }
    }
}
