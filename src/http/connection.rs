//! One connection: how long it may keep the server waiting, and how it is told to end.
//!
//! No timer is set for a request. A connection notes at which tick of the server it began to wait for its peer; at every
//! tick the server looks at all connections and cuts those that waited too long. So a limit may be a tick late, and
//! costs nothing while answers are sent.

use super::metrics::Books;
use futures_util::task::AtomicWaker;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll};
use tokio::net::TcpStream;

/// Why a connection is told to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum End {
    /// The server stops, or needs the place: at once if it waits for a request, else after the answer.
    Finish = 1,
    /// A request's header did not come in time.
    SlowHeader = 2,
    /// It waited long enough for another request.
    Idle = 3,
    /// The peer takes nothing of its answer.
    Stalled = 4,
}

/// Ticks after which a connection is cut.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For the header of a request.
    pub header: u64,
    /// For another request.
    pub idle: u64,
    /// Without any byte taken.
    pub stall: u64,
}

/// What the server and a connection tell each other, without a lock.
#[derive(Debug, Default)]
pub struct Line {
    /// The server's ticks.
    ticks: Arc<AtomicU64>,
    /// Since when a request is waited for; 0: none is.
    waits: AtomicU64,
    /// Whether something of it came. The first one is waited for as if it had.
    has_begun: AtomicBool,
    /// Since when the peer takes nothing; 0: it takes what it is given.
    blocked: AtomicU64,
    /// Whether an answer is being made or still sent piece by piece.
    is_busy: AtomicBool,
    /// Whether the last request has a body, of which a part may still be on its way.
    has_body: AtomicBool,
    /// How it is told to end; 0: it is not.
    end: AtomicU8,
    waker: AtomicWaker,
}

impl Line {
    /// Of a connection that was just opened.
    pub fn new(ticks: Arc<AtomicU64>) -> Self {
        let waits = AtomicU64::new(ticks.load(Ordering::Relaxed));
        Self { ticks, waits, has_begun: AtomicBool::new(true), ..Self::default() }
    }

    fn now(&self) -> u64 {
        self.ticks.load(Ordering::Relaxed)
    }

    /// A request came, all but its body; its answer is made now, or, if it takes time, until [`Line::done`].
    pub fn asked(&self, has_body: bool) {
        self.waits.store(0, Ordering::Relaxed);
        self.has_body.store(has_body, Ordering::Relaxed);
    }

    /// Whether the last request has a body.
    pub fn has_body(&self) -> bool {
        self.has_body.load(Ordering::Relaxed)
    }

    /// The answer takes time.
    pub fn busy(&self) {
        self.is_busy.store(true, Ordering::Relaxed);
    }

    /// The answer that took time is made, and given over whole.
    pub fn done(&self) {
        self.is_busy.store(false, Ordering::Relaxed);
    }

    fn read_something(&self) {
        if self.waits.load(Ordering::Relaxed) != 0 && !self.has_begun.swap(true, Ordering::Relaxed) {
            self.waits.store(self.now(), Ordering::Relaxed);
        }
    }

    fn read_nothing(&self) {
        let rests = !self.is_busy.load(Ordering::Relaxed) && self.blocked.load(Ordering::Relaxed) == 0;
        if rests && self.waits.load(Ordering::Relaxed) == 0 {
            self.has_begun.store(false, Ordering::Relaxed);
            self.waits.store(self.now(), Ordering::Relaxed);
        }
    }

    fn wrote(&self, poll: &Poll<io::Result<usize>>) {
        match poll {
            Poll::Pending if self.blocked.load(Ordering::Relaxed) == 0 => {
                self.blocked.store(self.now(), Ordering::Relaxed);
            }
            Poll::Pending => {}
            Poll::Ready(_) if self.blocked.load(Ordering::Relaxed) != 0 => self.blocked.store(0, Ordering::Relaxed),
            Poll::Ready(_) => {}
        }
    }

    /// Since when it waits for another request, nothing of which came.
    pub fn idle_since(&self) -> Option<u64> {
        let since = self.waits.load(Ordering::Relaxed);
        (since != 0 && !self.has_begun.load(Ordering::Relaxed)).then_some(since)
    }

    /// Why it is to be cut now, if it is.
    pub fn overdue(&self, now: u64, patience: Patience) -> Option<End> {
        let is_over = |since: u64, most: u64| since != 0 && now.saturating_sub(since) > most;
        let (waits, blocked) = (self.waits.load(Ordering::Relaxed), self.blocked.load(Ordering::Relaxed));
        if is_over(blocked, patience.stall) {
            Some(End::Stalled)
        } else if !self.has_begun.load(Ordering::Relaxed) {
            is_over(waits, patience.idle).then_some(End::Idle)
        } else {
            is_over(waits, patience.header).then_some(End::SlowHeader)
        }
    }

    /// Tells it to end. The harder word counts.
    pub fn tell(&self, end: End) {
        if self.end.fetch_max(end as u8, Ordering::AcqRel) < end as u8 {
            self.waker.wake();
        }
    }

    /// How it is told to end, and that it wants to hear when that changes.
    pub fn told(&self, context: &Context) -> Option<End> {
        self.waker.register(context.waker());
        self.told_so_far()
    }

    /// How it is told to end.
    pub fn told_so_far(&self) -> Option<End> {
        match self.end.load(Ordering::Acquire) {
            0 => None,
            1 => Some(End::Finish),
            2 => Some(End::SlowHeader),
            3 => Some(End::Idle),
            _ => Some(End::Stalled),
        }
    }
}

/// The socket of a connection, which notes what its peer does.
pub struct Wire {
    io: TokioIo<TcpStream>,
    line: Arc<Line>,
    books: Arc<Books>,
}

impl Wire {
    /// Around a socket.
    pub fn new(stream: TcpStream, line: Arc<Line>, books: Arc<Books>) -> Self {
        Self { io: TokioIo::new(stream), line, books }
    }

    /// The socket itself.
    pub fn into_inner(self) -> TcpStream {
        self.io.into_inner()
    }

    fn wrote(&self, poll: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        self.line.wrote(&poll);
        if let Poll::Ready(Ok(length)) = &poll {
            self.books.sent(*length);
        }
        poll
    }
}

impl Read for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.io).poll_read(cx, buf);
        if poll.is_ready() {
            self.line.read_something();
        } else {
            self.line.read_nothing();
        }
        poll
    }
}

impl Write for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.io).poll_write(cx, buf);
        self.wrote(poll)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        // A single piece costs the system less when it is not given as a list.
        let poll = match bufs {
            [piece] => Pin::new(&mut self.io).poll_write(cx, piece),
            pieces => Pin::new(&mut self.io).poll_write_vectored(cx, pieces),
        };
        self.wrote(poll)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_cut_only_while_it_keeps_the_server_waiting() {
        let ticks = Arc::new(AtomicU64::new(1));
        let line = Line::new(Arc::clone(&ticks));
        let patience = Patience { header: 3, idle: 10, stall: 5 };
        let overdue = |after: u64| line.overdue(ticks.load(Ordering::Relaxed) + after, patience);
        // The first header is waited for from the start.
        line.read_nothing();
        assert_eq!((overdue(3), overdue(4)), (None, Some(End::SlowHeader)));
        assert_eq!(line.idle_since(), None);
        // An answer is being made: its maker's time is not the peer's.
        line.asked(false);
        line.busy();
        line.read_nothing();
        assert_eq!(overdue(1_000), None);
        line.done();
        // The peer takes nothing, then something, then nothing.
        line.wrote(&Poll::Pending);
        line.read_nothing();
        assert_eq!((overdue(5), overdue(6)), (None, Some(End::Stalled)));
        ticks.store(7, Ordering::Relaxed);
        line.wrote(&Poll::Pending);
        assert_eq!(overdue(0), Some(End::Stalled));
        line.wrote(&Poll::Ready(Ok(1)));
        line.wrote(&Poll::Pending);
        assert_eq!((overdue(5), overdue(6)), (None, Some(End::Stalled)));
        line.wrote(&Poll::Ready(Ok(1)));
        // It rests; asking again does not begin anew.
        line.read_nothing();
        assert_eq!((overdue(10), overdue(11), line.idle_since()), (None, Some(End::Idle), Some(7)));
        ticks.store(12, Ordering::Relaxed);
        line.read_nothing();
        assert_eq!((overdue(5), overdue(6)), (None, Some(End::Idle)));
        // The next header counts from its first byte, not from every one.
        line.read_something();
        ticks.store(14, Ordering::Relaxed);
        line.read_something();
        assert_eq!((overdue(1), overdue(2), line.idle_since()), (None, Some(End::SlowHeader), None));
    }

    #[test]
    fn the_harder_end_counts() {
        let line = Line::new(Arc::default());
        assert_eq!(line.told_so_far(), None);
        line.tell(End::Stalled);
        line.tell(End::Finish);
        assert_eq!(line.told_so_far(), Some(End::Stalled));
    }
}
