//! What would hold a key up is worked out beside the loop: a screen says what (`Screen::work`), one thread does it, and what it came to
//! goes back to whoever asked (`Screen::worked`). What was asked for last comes first, as the screen that asked is the one on top; what
//! nobody waits for any more, as its screen was closed, is left out.

use std::any::Any;
use std::fmt;
use std::io;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Weak};
use std::thread;

/// How much the thread stands back behind the loop, as `nice` counts: a key is not to wait for a core.
#[cfg(target_os = "linux")]
const NICE: i32 = 10;

/// Who asks for work. When it is gone, nobody wants what it asked for.
#[derive(Debug, Default)]
pub struct Owner(Arc<()>);

/// What came of it, for the one who asked.
pub struct Done {
    owner: Weak<()>,
    what: Box<dyn Any + Send>,
}

impl Done {
    /// What it is, if this one asked for it.
    ///
    /// # Errors
    /// Someone else did; it stays as it is.
    pub fn take<T: 'static>(self, owner: &Owner) -> Result<T, Done> {
        if self.owner.as_ptr() != Arc::as_ptr(&owner.0) {
            return Err(self);
        }
        let Done { owner, what } = self;
        what.downcast().map(|what| *what).map_err(|what| Done { owner, what })
    }
}

impl fmt::Debug for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Done")
    }
}

/// Something to be worked out.
pub struct Work {
    owner: Weak<()>,
    what: Box<dyn FnOnce() -> Box<dyn Any + Send> + Send>,
}

impl Work {
    /// What is to be done. It runs on another thread.
    pub fn new<T: Send + 'static>(owner: &Owner, what: impl FnOnce() -> T + Send + 'static) -> Work {
        Work {
            owner: Arc::downgrade(&owner.0),
            what: Box::new(|| Box::new(what())),
        }
    }

    /// Does it; `None`: nobody waits for it any more.
    pub fn done(self) -> Option<Done> {
        let Work { owner, what } = self;
        (owner.strong_count() > 0).then(|| Done { what: what(), owner })
    }
}

impl fmt::Debug for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Work")
    }
}

/// Begins the thread that does the work: what is sent to it is done, one at a time, and told.
///
/// # Errors
/// When the system gives no thread.
pub fn begin(tell: impl Fn(Done) + Send + 'static) -> io::Result<Sender<Work>> {
    let (asked, wishes) = channel::<Work>();
    thread::Builder::new().name("beside".to_owned()).spawn(move || {
        // The calling thread alone, on Linux. Where it is refused, a key may wait a little.
        #[cfg(target_os = "linux")]
        let _refused = rustix::process::setpriority_process(None, NICE);
        let mut waiting: Vec<Work> = Vec::new();
        loop {
            if waiting.is_empty() {
                match wishes.recv() {
                    Ok(work) => waiting.push(work),
                    Err(_) => return,
                }
            }
            waiting.extend(wishes.try_iter());
            if let Some(done) = waiting.pop().and_then(Work::done) {
                tell(done);
            }
        }
    })?;
    Ok(asked)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_was_done_is_for_the_one_who_asked() {
        let (one, other) = (Owner::default(), Owner::default());
        let done = Work::new(&one, || 7_u32).done().unwrap();
        let done = done.take::<u32>(&other).unwrap_err();
        let done = done.take::<String>(&one).unwrap_err();
        assert_eq!(done.take::<u32>(&one).unwrap(), 7);
    }

    #[test]
    fn the_last_comes_first_and_the_unwanted_never() {
        let (told, answers) = mpsc::channel();
        let asked = begin(move |done| told.send(done).unwrap()).unwrap();
        let (owner, closed) = (Owner::default(), Owner::default());
        let (hold, held) = mpsc::channel::<()>();
        let first = Work::new(&owner, move || held.recv().map_or(0, |()| 1));
        let unwanted = Work::new(&closed, || -> u32 { panic!("nobody wants this") });
        drop(closed);
        asked.send(first).unwrap();
        asked.send(Work::new(&owner, || 2)).unwrap();
        asked.send(unwanted).unwrap();
        asked.send(Work::new(&owner, || 3)).unwrap();
        // The first holds the thread until the others wait.
        hold.send(()).unwrap();
        let mut came = Vec::new();
        while let Ok(done) = answers.recv_timeout(Duration::from_secs(5)) {
            came.push(done.take::<i32>(&owner).unwrap());
            if came.len() == 3 {
                break;
            }
        }
        // If the thread took the first when all were there already, it took the last before it.
        assert!(came == [1, 3, 2] || came == [3, 2, 1], "{came:?}");
    }
}
