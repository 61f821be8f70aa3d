//! Reads the telemetry line for ever, and opens it again whenever it is lost.
//!
//! Runs in a thread of its own, since a line is read by waiting. Whoever follows the events is
//! woken through a watch on their number.

use std::io::{self, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use abi::time::UnixSeconds;
use telemetry::{Deframer, Sink};
use tokio::sync::watch;

use super::feed::Feed;
use crate::connection::Target;
use crate::failure::note;

/// Wait before the line is opened again, at first.
const RETRY_FIRST: Duration = Duration::from_millis(200);
/// Longest wait before the line is opened again.
const RETRY_LAST: Duration = Duration::from_secs(5);
/// How long a TCP connection may be silent before it counts as lost.
const SILENCE_MAX: Duration = Duration::from_secs(120);
/// Bytes of one read.
const READ_BYTES: usize = 16 * 1024;

/// The feed, as the reader of the line and the server share it.
#[derive(Clone)]
pub(crate) struct SharedFeed(Arc<Mutex<Feed>>);

impl SharedFeed {
    /// Shares a feed.
    pub(crate) fn new(feed: Feed) -> Self {
        SharedFeed(Arc::new(Mutex::new(feed)))
    }

    /// Takes the feed; nobody holds it across a wait.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Feed> {
        // Every change of a feed leaves it whole, so a thread that died with it did no harm.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads the line at `target` into `feed` for ever; `events` tells followers how many came.
pub(crate) fn follow(target: &Target, feed: &SharedFeed, events: &watch::Sender<u64>) -> ! {
    let mut retry = RETRY_FIRST;
    let mut is_told = false;
    loop {
        match target.open(Some(SILENCE_MAX)) {
            Err(error) => {
                if !is_told {
                    note(format_args!(
                        "bridge: {target} does not answer yet: {error}"
                    ));
                    is_told = true;
                }
            }
            Ok(line) => {
                note(format_args!("bridge: {target} is open"));
                feed.lock().opened();
                let (bytes, reason) = read(line.reader, feed, events);
                feed.lock().closed();
                note(format_args!(
                    "bridge: {target} is lost: {reason}; trying again"
                ));
                is_told = true;
                if bytes > 0 {
                    retry = RETRY_FIRST;
                }
            }
        }
        thread::sleep(retry);
        retry = retry.saturating_mul(2).min(RETRY_LAST);
    }
}

/// Reads until the line is lost; gives the bytes that came, and why it ended.
fn read(
    mut reader: Box<dyn Read + Send>,
    feed: &SharedFeed,
    events: &watch::Sender<u64>,
) -> (u64, String) {
    let mut deframer = Deframer::new();
    let mut buffer = vec![0; READ_BYTES];
    let mut total: u64 = 0;
    loop {
        let count = match reader.read(&mut buffer) {
            Ok(0) => return (total, "the other side closed it".to_owned()),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                return (total, "nothing came for a long time".to_owned());
            }
            Err(error) => return (total, error.to_string()),
        };
        total = total.saturating_add(count as u64);
        let before = deframer.counts();
        let mut feed = feed.lock();
        let bytes = buffer.get(..count).unwrap_or_default();
        deframer.push(bytes, &mut Filling(&mut feed));
        feed.received(count, before, deframer.counts());
        let events_now = feed.counts().events;
        drop(feed);
        events.send_if_modified(|known| std::mem::replace(known, events_now) != events_now);
    }
}

/// Takes whole frames into the feed.
struct Filling<'a>(&'a mut Feed);

impl Sink for Filling<'_> {
    fn metrics(&mut self, sequence: u64, exposition: &str) {
        self.0.publish(sequence, exposition, Instant::now());
    }

    fn event(&mut self, json: &str) {
        let wall = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        self.0.event(json, UnixSeconds(wall));
    }
}
